// Buffers that can be wiped for good. V8 keeps typed arrays of up to 64 bytes on its own heap, where a collection moves
// them and leaves their old bytes behind; those made here lie outside it, and share no pool with others.

/** From this size on any Buffer lies outside the heap. */
export const OFF_HEAP_BYTES = 65

/** Zeroed. */
export function wipeable(size: number): Buffer {
  return Buffer.from(new ArrayBuffer(size))
}

/** A copy that can be wiped. */
export function wipeableCopy(bytes: Uint8Array): Buffer {
  const copy = wipeable(bytes.length)
  copy.set(bytes)
  return copy
}
