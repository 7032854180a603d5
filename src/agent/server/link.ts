// The way to the server: one of several addresses, the next one where it fails, under the credentials of now.
import type { Timers } from '../../base/ports.ts'
import type { SigningKey } from '../../crypto/signing-key.ts'
import type { IsRevoked } from '../../crypto/x509-svid.ts'
import { GrpcError, STATUS } from '../../wire/grpc.ts'
import type { CallOptions, GrpcClient } from '../../wire/grpc-client.ts'

export interface Credentials {
  /** X.509 authorities in DER, one of which must stand behind the server; `anyone` where the first bundle is taken on trust. */
  readonly roots: readonly Buffer[] | 'anyone'
  /** What this side shows: nothing before it is attested. */
  readonly own: { readonly chain: readonly Buffer[]; readonly key: SigningKey } | undefined
  /** Asked of the server's certificates. */
  readonly isRevoked: IsRevoked
}

/** A connection-to-be, to `host:port`. */
export type Dial = (address: string, credentials: Credentials) => GrpcClient

export interface Link {
  /** From the next call on, over a new connection where they are others. What is under way goes on as it began. */
  present(credentials: Credentials): void
  /** Runs calls at the address that last worked, then at the others. Throws what the server said, or `unavailable` where none answers. */
  ask<T>(run: (client: GrpcClient, options: CallOptions) => Promise<T>): Promise<T>
  /** The same connection, for a call that goes on for as long as it may; undefined before there is one. */
  connection(): GrpcClient | undefined
  /** Ends what is under way, too. */
  close(): void
}

const TIMEOUT = 30_000

export interface LinkDeps {
  readonly addresses: readonly string[]
  readonly dial: Dial
  readonly timers: Timers
}

export function openLink({ addresses, dial, timers }: LinkDeps): Link {
  let credentials: Credentials | undefined
  let client: GrpcClient | undefined
  let at = 0
  const underWay = new Set<AbortController>()

  function drop(): void {
    client?.close()
    client = undefined
  }

  function connected(): GrpcClient {
    if (!credentials) throw new GrpcError(STATUS.unavailable, 'the agent is not attested yet')
    client ??= dial(addresses[at % addresses.length] as string, credentials)
    return client
  }

  async function inTime<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const over = new AbortController()
    underWay.add(over)
    const stop = timers.after(TIMEOUT, () => over.abort())
    try {
      return await run(over.signal)
    } catch (error) {
      if (over.signal.aborted) throw new GrpcError(STATUS.deadline, 'the server did not answer in time')
      throw error
    } finally {
      stop()
      underWay.delete(over)
    }
  }

  return {
    present(next) {
      if (!credentials || !isSame(credentials, next)) drop()
      credentials = next
    },
    async ask(run) {
      for (let tried = 1; ; tried++) {
        const used = connected()
        try {
          return await inTime((signal) => run(used, { signal }))
        } catch (error) {
          if (!isAway(error)) throw error
          if (client === used) {
            drop()
            at++
          }
          if (tried >= addresses.length) throw error
        }
      }
    },
    connection: () => client,
    close() {
      drop()
      for (const one of underWay) one.abort()
    },
  }
}

/** Whether a connection under the one is as good under the other. */
function isSame(a: Credentials, b: Credentials): boolean {
  if (a.own !== b.own || a.roots === 'anyone' || b.roots === 'anyone') return false
  return Buffer.concat([...a.roots]).equals(Buffer.concat([...b.roots]))
}

/** Nobody is there, or nobody who could answer: another address may. */
export function isAway(error: unknown): boolean {
  return error instanceof GrpcError && (error.code === STATUS.unavailable || error.code === STATUS.deadline)
}
