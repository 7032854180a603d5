// Where namespaces are written: each under its path in the tree, and its path under its id.
import type { Namespace } from '../contract/namespace.ts'
import { namespacePrefix, ROOT_ID } from '../store/layout.ts'
import { records } from '../store/records.ts'

export const NAMESPACES = `${namespacePrefix(ROOT_ID)}namespace/`
export const byPath = records<Namespace>(NAMESPACES)
export const pathById = records<string>(`${namespacePrefix(ROOT_ID)}namespace-id/`)
