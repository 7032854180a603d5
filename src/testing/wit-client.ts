// The WIT-SVID profile of the Workload API as a workload calls it, and a verifier that such a workload has proven its key to.
import { createPrivateKey, createPublicKey } from 'node:crypto'
import * as wire from '../agent/workload/messages.ts'
import { type Bundle, witKeyOf } from '../crypto/bundle.ts'
import { verifyWitSvid, type WitSvid } from '../crypto/wit-svid.ts'
import type { GrpcClient } from '../wire/grpc-client.ts'
import type { Of } from '../wire/protobuf.ts'

export const HEADERS = { metadata: { [wire.HEADER]: 'true' } }

/** Answers, one after another, until it is cancelled. */
export interface Heard<T> {
  next(): Promise<T | undefined>
  cancel(): void
}

/** Of all identities where `spiffeId` is ''. */
export function fetchWit(client: GrpcClient, spiffeId = '', options = HEADERS): Heard<Of<typeof wire.WitSvidResponse>> {
  return client.listen(`/${wire.SERVICE}/FetchWITSVID`, wire.WitSvidRequest, wire.WitSvidResponse, { spiffeId }, options)
}

export function fetchWitBundles(client: GrpcClient, options = HEADERS): Heard<Of<typeof wire.WitBundlesResponse>> {
  return client.listen(`/${wire.SERVICE}/FetchWITBundles`, wire.WitBundlesRequest, wire.WitBundlesResponse, {}, options)
}

/** The first answer alone. */
export async function once<T>(heard: Heard<T>): Promise<T> {
  try {
    const first = await heard.next()
    if (first === undefined) throw new Error('there was no answer')
    return first
  } finally {
    heard.cancel()
  }
}

/** As one believes it who saw a proof by its key. Throws where it is not to be believed, or the key is another's. */
export function believeWit({ witSvid = '', witSvidKey = '' }: Partial<Of<typeof wire.WitSvid>>, bundle: Bundle | undefined, now: number): WitSvid {
  const own = createPublicKey(createPrivateKey({ key: JSON.parse(witSvidKey), format: 'jwk' }))
  return verifyWitSvid(
    witSvid,
    now,
    (_, kid) => bundle && witKeyOf(bundle, kid),
    ({ key }) => key.equals(own),
  )
}
