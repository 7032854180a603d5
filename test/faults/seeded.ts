// Random choices that a seed repeats.

/** The seed is taken from FAULT_SEED, so that a run can be repeated, or is new. */
export function seeded(given?: number): { readonly seed: number; random(below: number): number } {
  const seed = given ?? Number(process.env['FAULT_SEED'] ?? Date.now() % 1_000_000)
  let state = seed
  return {
    seed,
    random(below) {
      state = (state + 0x6d2b79f5) | 0
      let mixed = Math.imul(state ^ (state >>> 15), state | 1)
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
      return ((mixed ^ (mixed >>> 14)) >>> 0) % below
    },
  }
}
