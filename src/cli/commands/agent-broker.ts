// `signet agent broker`: what an agent gives to a broker that acts for other workloads, as any broker would ask it.
import { isLocal, parseEndpoint } from '../endpoint.ts'
import { command, group } from '../command.ts'
import { Failure } from '../failure.ts'
import { type FlagValues, int, or, text } from '../flag.ts'
import type { BrokerApi, WorkloadReference, X509Answer } from '../ports.ts'
import type { Terminal } from '../terminal.ts'
import { give, show, showTokens, tokenFlags, writeFlag } from './agent-api.ts'
import { asking, socketFlags } from './agent-socket.ts'
import { KEY_MODE, writeSvids } from './agent-svids.ts'

const DEFAULT_SOCKET = 'unix:///run/signet-agent-broker/api.sock'

const brokerFlags = {
  ...socketFlags,
  'broker-socket': text(
    `Where the agent serves brokers: unix:///path or tcp://host:port; SPIFFE_BROKER_SOCKET names it otherwise, and without that it is ${DEFAULT_SOCKET}.`,
  ),
  'agent-id': or(text('SPIFFE ID of the agent; any agent of the own trust domain otherwise.'), ''),
  pid: int('Refer to a process, by its number.'),
  object: or(text('Refer to an object of this type, such as deployments.apps; pods.core unless given.'), ''),
  name: or(text('Its name: namespace/name, or the name alone where the type has no namespaces.'), ''),
  uid: or(text('Its uid, in place of the name or besides.'), ''),
}

type BrokerFlags = FlagValues<typeof brokerFlags>

const x509 = command({
  doc: 'Fetch the X509-SVIDs of a workload',
  about: `
    $ signet agent broker fetch x509 -pid=4242`,
  local: true,
  flags: { ...brokerFlags, ...writeFlag },
  output: 'format',
  run: (terminal, { flags }) =>
    brokering(terminal, flags, async (brokerApi, reference) => {
      for await (const answer of brokerApi.watchX509(reference)) if (answer.svids.length > 0) return give(terminal, answer, flags.write)
      throw new Failure(2, 'the agent gave no answer')
    }),
})

const jwt = command({
  doc: 'Fetch the JWT-SVIDs of a workload',
  about: `
    $ signet agent broker fetch jwt -name=shop/checkout-7c9f -audience=db`,
  local: true,
  flags: { ...brokerFlags, ...tokenFlags },
  output: 'format',
  run: (terminal, { flags }) =>
    brokering(terminal, flags, async (brokerApi, reference) => {
      const audience = flags.audience.flatMap((one) => one.split(','))
      showTokens(terminal, await brokerApi.jwt(reference, audience, flags['spiffe-id']))
    }),
})

const watch = command({
  doc: 'Print the X509-SVIDs of a workload again and again, until it ends',
  about: `
What was written is deleted again when the workload ends or has no identity any more.`,
  local: true,
  flags: { ...brokerFlags, ...writeFlag },
  output: 'format',
  run: (terminal, { flags }) =>
    brokering(terminal, flags, async (brokerApi, reference) => {
      for await (const answer of brokerApi.watchX509(reference)) {
        if (answer.svids.length > 0) show(terminal, answer)
        if (flags.write !== '') await writeSvids(terminal.ports.files, answer, flags.write, Number.parseInt(KEY_MODE, 8))
      }
    }),
})

export const broker = group(
  'Ask an agent as a broker would, for what other workloads are entitled to',
  { fetch: group('Fetch identities', { jwt, x509 }), watch },
  `
Shows the agent the first identity that this process itself gets from it; broker_api in the agent's configuration has
to name that as a broker.

    $ signet agent broker fetch x509 -pid=4242
    $ signet agent broker watch -object=deployments.apps -name=shop/checkout -write=/run/checkout`,
)

/** Gets the identity of this process, asks as that, and hangs up afterwards. */
async function brokering(
  terminal: Terminal,
  flags: BrokerFlags,
  run: (api: BrokerApi, reference: WorkloadReference) => Promise<void>,
): Promise<void> {
  const endpoint = flags['broker-socket'] || terminal.ports.env['SPIFFE_BROKER_SOCKET'] || DEFAULT_SOCKET
  const local = isLocal(parseEndpoint('broker', endpoint))
  const reference = referenceIn(flags)
  if ('pid' in reference && !local) {
    throw new Failure(1, `-pid means a process of this machine, and ${endpoint} may be another`)
  }
  const own = await asking(terminal, flags, async (workloadApi): Promise<X509Answer> => {
    for await (const answer of workloadApi.watchX509()) return answer
    throw new Failure(2, 'the agent gave no answer')
  })
  const api = await terminal.ports.openBrokerApi({ endpoint, own, agentId: flags['agent-id'] })
  try {
    await run(api, reference)
  } finally {
    api.close()
  }
}

/** Throws a Failure unless exactly one workload can be meant. */
function referenceIn({ pid, object, name, uid }: BrokerFlags): WorkloadReference {
  const byObject = object !== '' || name !== '' || uid !== ''
  if ((pid !== undefined) === byObject) throw new Failure(1, 'give either -pid, or -name or -uid of an object')
  if (pid !== undefined) {
    if (pid < 1 || pid > MOST_PID) throw new Failure(1, `-pid=${pid} is no number of a process`)
    return { pid }
  }
  if (name === '' && uid === '') throw new Failure(1, '-object needs -name or -uid')
  const type = object === '' ? 'pods.core' : object
  const [plural = '', ...group] = type.split('.')
  if (plural === '' || group.join('.') === '') throw new Failure(1, `-object=${type} is not plural.group, such as deployments.apps or pods.core`)
  return { plural, group: group.join('.'), key: name === '' ? undefined : keyIn(name), uid }
}

const MOST_PID = 2 ** 31 - 1

function keyIn(text: string): { readonly namespace: string; readonly name: string } {
  const at = text.indexOf('/')
  return { namespace: text.slice(0, Math.max(at, 0)), name: text.slice(at + 1) }
}
