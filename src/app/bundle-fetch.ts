// Fetching a bundle from where its trust domain publishes it: from the endpoint that was named, at an address that was looked at first.
import { lookup } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { isIP } from 'node:net'
import { connect, getCACertificates, type TLSSocket } from 'node:tls'
import type { Clock } from '../base/ports.ts'
import { isSpecialAddress } from '../base/special-addresses.ts'
import { verifyX509Svid } from '../crypto/x509-svid.ts'
import { trustDomainOf } from '../crypto/spiffe-id.ts'
import type { Endpoint, FetchBundle } from '../spiffe/federation.ts'
import { chainOf } from '../edge/peer-chain.ts'

export interface FetchSettings {
  /** Endpoints may be on this machine or its link. */
  readonly allowLocal: boolean
  /** PEM file: authorities of web endpoints besides the usual ones. */
  readonly caFile?: string | undefined
}

const TIME_MS = 10_000
/** Ten times what a bundle of a hundred authorities takes. */
const MAX_BYTES = 512 << 10

export function openBundleFetch({ allowLocal, caFile }: FetchSettings, clock: Pick<Clock, 'now'>): FetchBundle {
  async function open(endpoint: Endpoint, signal: AbortSignal): Promise<TLSSocket> {
    const url = new URL(endpoint.url)
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const addresses = await lookup(host, { all: true })
    const refused = allowLocal ? undefined : addresses.find(({ address }) => isSpecialAddress(address))
    if (refused) throw new Error(`${host} is ${refused.address}, an address of this machine or its link, which is not allowed`)
    const socket = connect({
      host,
      port: Number(url.port || 443),
      lookup: (_, { all }, done) => (all ? done(null, addresses) : done(null, addresses[0]?.address ?? '', addresses[0]?.family)),
      ...(isIP(host) ? {} : { servername: host }),
      ...(endpoint.svid ? { rejectUnauthorized: false } : webTrust(caFile)),
      ALPNProtocols: ['http/1.1'],
      minVersion: 'TLSv1.2',
    })
    signal.addEventListener('abort', () => socket.destroy(new Error(`no answer within ${TIME_MS / 1000} s`)), { once: true })
    await new Promise<void>((resolve, reject) => void socket.once('secureConnect', resolve).once('error', reject))
    try {
      if (endpoint.svid) checkSvid(socket, endpoint.svid, clock.now())
    } catch (error) {
      socket.destroy()
      throw error
    }
    return socket
  }

  return async (endpoint) => {
    const signal = AbortSignal.timeout(TIME_MS)
    const socket = await open(endpoint, signal)
    try {
      return await read(socket, new URL(endpoint.url))
    } finally {
      socket.destroy()
    }
  }
}

/** Those of the system too. The file is read each time, since authorities change and bundles are fetched rarely. */
function webTrust(caFile: string | undefined): { ca: string[] } {
  return { ca: [...getCACertificates('default'), ...getCACertificates('system'), ...(caFile === undefined ? [] : [readFileSync(caFile, 'utf8')])] }
}

function checkSvid(socket: TLSSocket, { id, authorities, isRevoked }: NonNullable<Endpoint['svid']>, now: number): void {
  const shown = verifyX509Svid(chainOf(socket), now, (domain) => (domain === trustDomainOf(id) ? authorities : undefined), isRevoked)
  if (shown.id !== id) throw new Error(`the endpoint is ${shown.id}, not ${id}`)
}

/** One answer, taken only whole and only from here: a redirect is refused, since whom it leads to nobody named. */
function read(socket: TLSSocket, url: URL): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const headers = { host: url.host, accept: 'application/json', 'accept-encoding': 'identity', connection: 'close' }
    const asked = request({ createConnection: () => socket, method: 'GET', path: url.pathname + url.search, headers })
    asked.once('error', reject)
    asked.once('response', (answer) => {
      const { statusCode: status = 0 } = answer
      const redirects = status >= 300 && status < 400
      if (status !== 200)
        return reject(new Error(redirects ? 'the endpoint redirects, which is refused' : `the endpoint answers with status ${status}`))
      const chunks: Buffer[] = []
      let size = 0
      answer.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > MAX_BYTES) socket.destroy(new Error(`the bundle has more than ${MAX_BYTES} bytes`))
        else chunks.push(chunk)
      })
      answer.once('error', reject)
      answer.once('end', () => resolve(Buffer.concat(chunks)))
    })
    asked.end()
  })
}
