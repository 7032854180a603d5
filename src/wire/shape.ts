// What a declared message looks like, apart from its bytes: that by which it can be described to others.

/** What a field holds, in the words of descriptors. A map holds messages of a key and a value each. */
export type Kind =
  | { readonly type: 'bool' | 'bytes' | 'double' | 'int32' | 'int64' | 'string' | 'uint32' | 'uint64' }
  | { readonly type: 'enum'; readonly of: Enumeration }
  | { readonly type: 'map' | 'message'; readonly of: Declared }

/** Numbers by name. */
export type Enumeration = Readonly<Record<string, number>>

export interface FieldShape {
  readonly number: number
  readonly kind: Kind
  readonly repeated?: true
  /** The name of the group of which only one is there. */
  readonly oneof?: string
}

/** Something that has fields, whatever it is made of. */
export interface Declared {
  /** By name, in camel case. */
  readonly shape: () => Readonly<Record<string, FieldShape>>
}
