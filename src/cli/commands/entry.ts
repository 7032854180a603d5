// `signet entry`: registration entries, which say which workload gets which SPIFFE ID.
import { group } from '../command.ts'
import { apply } from './entry/apply.ts'
import { create, remove, update } from './entry/change.ts'
import { explain } from './entry/explain.ts'
import { count, show } from './entry/find.ts'

export const entry = group(
  'Interact with registration entries of the trust domain',
  { apply, count, create, delete: remove, explain, show, update },
  `
    $ signet entry create -spiffeID=spiffe://example.org/web -parentID=spiffe://example.org/node -selector=unix:uid:1000
    $ signet entry show -spiffeID=spiffe://example.org/web
    $ signet entry apply -f entries.json`,
)
