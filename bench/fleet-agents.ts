// Many agents in one process: the product's own, each with its own identity and connection, without the sockets and files of a real one.
import { X509Certificate } from 'node:crypto'
import { type Agent, startAgent } from '../src/agent/agent.ts'
import { joinToken } from '../src/agent/attestation.ts'
import { openKeeping } from '../src/agent/keeping.ts'
import type { Dial } from '../src/agent/server/link.ts'
import { dialer } from '../src/app/agent-dial.ts'
import { clock, random, timers } from '../src/app/ports.ts'
import { silent } from '../src/base/log.ts'
import { noMeter } from '../src/telemetry/agent-metrics.ts'
import { parseTrustDomain } from '../src/crypto/spiffe-id.ts'
import { WATCH } from '../src/wire/signet-agent.ts'

export const TRUST_DOMAIN = 'bench.example'

/** The name of the n-th agent's node, below which its entries are. */
export const nodeOf = (n: number) => `spiffe://${TRUST_DOMAIN}/node/${n}`

export interface Fleet {
  /** Resolves when the agent has everything and listens. */
  join(n: number, token: string): Promise<void>
  /** Resolves when the agent has the SVID of an entry with this selector. */
  knows(n: number, selector: string): Promise<void>
  /** Resolves when every agent has synchronised and listens once more: when the first did, and the last. */
  returned(): Promise<{ readonly first: number; readonly last: number }>
  stop(): Promise<void>
}

/** `bundle` in PEM. */
export function openFleet(address: string, bundle: string): Fleet {
  const trustDomain = parseTrustDomain(TRUST_DOMAIN)
  const roots = bundle.split(/(?<=-----END CERTIFICATE-----)\s*/).flatMap((pem) => (pem === '' ? [] : [new X509Certificate(pem).raw]))
  const dial = dialer(trustDomain, clock)
  const agents: Agent[] = []
  let heard: (n: number) => void = () => {}

  function startOne(n: number, token: string): Agent {
    const drawer = { read: () => undefined, write() {}, remove() {} }
    return startAgent(
      {
        trustDomain,
        addresses: [address],
        attestation: joinToken(() => token),
        bootstrap: () => roots,
        workloadKeyType: 'ec-p256',
        syncInterval: 5_000,
        mostX509: 1_000,
        mostJwt: 1_000,
        version: 'bench',
      },
      {
        ...{ clock, timers, random, log: silent, meter: noMeter },
        keeping: openKeeping(drawer, random.bytes(32), random, silent),
        dial: heeding(dial, () => heard(n)),
      },
    )
  }

  const waiting = new Map<number, () => void>()
  heard = (n) => waiting.get(n)?.()
  return {
    async join(n, token) {
      await new Promise<void>((resolve) => {
        waiting.set(n, resolve)
        agents[n] = startOne(n, token)
      })
    },
    knows: (n, selector) =>
      new Promise((resolve) => {
        const { changes, matching, x509 } = agents[n] as Agent
        const stop = changes.listen(() => {
          const [entry] = matching(new Set([selector]))
          if (!entry || !x509.get(entry)) return
          stop()
          resolve()
        })
      }),
    returned: () =>
      new Promise((resolve) => {
        const back = new Set<number>()
        let first = 0
        heard = (n) => {
          back.add(n)
          first ||= performance.now()
          if (back.size === agents.length) resolve({ first, last: performance.now() })
        }
      }),
    async stop() {
      await Promise.all(agents.map((agent) => agent.stop()))
    },
  }
}

/** Tells when the server first answers an agent that listens, which it does only after it has everything. */
function heeding(dial: Dial, heard: () => void): Dial {
  return (address, credentials) => {
    const client = dial(address, credentials)
    return {
      ...client,
      listen(path, ...rest) {
        const answers = client.listen(path, ...rest)
        if (path !== `/${WATCH.service}/${WATCH.method}`) return answers
        return {
          ...answers,
          async next() {
            const answer = await answers.next()
            if (answer) heard()
            return answer
          },
        }
      },
    }
  }
}
