// Parts of answers of other programs, which may have any form: what is of another kind counts as absent.
import { isObject, type Json, type JsonObject } from '../../base/json.ts'

/** What there may be of a whole cluster. */
export const JSON_LIMITS = { depth: 100, values: 5_000_000, stringBytes: 1 << 22 }

export const objectOf = (value: Json | undefined): JsonObject => (isObject(value) ? value : {})
export const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '')
/** The objects of a list. */
export const listOf = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : [])
