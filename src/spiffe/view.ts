// The spiffe engine in a namespace: its own part of the trust domain that the root has.
import type { Module } from '../contract/module.ts'
import { configure } from './module.ts'
import { crlPaths } from './paths/crls.ts'
import { entryPaths } from './paths/entries.ts'
import { exchangePaths } from './paths/exchange.ts'
import { ownPartPaths } from './paths/namespaces.ts'
import { publishedPaths } from './paths/published.ts'
import { revokePaths } from './paths/revoke.ts'
import { svidPaths } from './paths/svids.ts'
import type { Part } from './parts.ts'
import type { RoomsOf } from './rooms.ts'

export function spiffeView(roomsOf: RoomsOf, partOf: (namespaceId: string) => Part): Module {
  return {
    kind: 'engine',
    type: 'spiffe',
    doc: 'Workload identity: the part of the trust domain that a namespace has.',
    configure,
    paths: [
      ...ownPartPaths(partOf),
      ...publishedPaths(roomsOf),
      ...crlPaths(roomsOf),
      ...entryPaths(roomsOf),
      ...svidPaths(roomsOf),
      ...revokePaths(roomsOf),
      ...exchangePaths(roomsOf),
    ],
  }
}
