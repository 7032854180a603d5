// KV version 2: secrets with a history of versions, check-and-set, and metadata.
import type { Module } from '../../contract/module.ts'
import { configPath } from './config.ts'
import { dataPath } from './data.ts'
import { detailedMetadataPath } from './detailed-metadata.ts'
import { invalidPath } from './invalid-path.ts'
import { metadataPath } from './metadata.ts'
import { subkeysPath } from './subkeys.ts'
import { configure } from './upgrade.ts'
import { versionPaths } from './versions.ts'

export const kv2: Module = {
  kind: 'engine',
  type: 'kv',
  doc: 'Secrets with versions.',
  configure,
  paths: [configPath, dataPath, metadataPath, detailedMetadataPath, subkeysPath, ...versionPaths, invalidPath],
}
