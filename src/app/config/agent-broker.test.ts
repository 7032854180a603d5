import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseSource } from './read.ts'
import { brokerIn } from './agent-broker.ts'
import { wholeOf } from './stanza.ts'

const BROKERS = `broker "spiffe://example.org/proxy" { references = ["pid"] }`
const parse = (text: string) => {
  const block = { ...wholeOf([parseSource('agent.hcl', text)], () => {}), title: 'broker_api' }
  return brokerIn(block, '/run/signet-agent/api.sock')
}

describe('broker_api in the configuration of an agent', () => {
  test('nothing is served unless it is asked for', () => {
    assert.equal(brokerIn(undefined, '/run/signet-agent/api.sock'), undefined)
  })

  test('a local socket, a port, and who may ask for what', () => {
    const text = `
      socket_path  = "/run/signet-agent-broker/api.sock"
      socket_mode  = "0660"
      bind_address = "[::]:8443"
      broker "spiffe://example.org/proxy" { references = ["pid", "kubernetes"] references_over_tcp = ["kubernetes"] }
      broker "spiffe://other.org/mesh" { references = ["kubernetes"] }`
    assert.deepEqual(parse(text), {
      socket: { path: '/run/signet-agent-broker/api.sock', mode: 0o660 },
      address: '[::]:8443',
      brokers: new Map([
        ['spiffe://example.org/proxy', { local: ['pid', 'kubernetes'], remote: ['kubernetes'] }],
        ['spiffe://other.org/mesh', { local: ['kubernetes'], remote: [] }],
      ]),
    })
    const { socket, address } = parse(`socket_path = "/run/b/s"\n${BROKERS}`) ?? {}
    assert.deepEqual([socket, address], [{ path: '/run/b/s', mode: 0o770 }, undefined])
  })

  const AT = 'bind_address = "127.0.0.1:8443"'
  const REFUSED: Readonly<Record<string, readonly [text: string, problem: RegExp]>> = {
    'a door nowhere': [BROKERS, /needs socket_path or bind_address/],
    'a door for nobody': [AT, /nobody could use it/],
    'a socket where workloads have theirs': [
      `socket_path = "/run/signet-agent/broker.sock"\n${BROKERS}`,
      /must not lie in the folder of the workloads’ socket/,
    ],
    'a socket below that': [`socket_path = "/run/signet-agent/b/broker.sock"\n${BROKERS}`, /or below it/],
    'an address without a port': [`bind_address = "here"\n${BROKERS}`, /bind_address "here" is not host:port/],
    'a mode that is none': [`socket_path = "/run/b/s"\nsocket_mode = "rw"\n${BROKERS}`, /is not permission bits/],
    'a broker twice': [`${AT}\n${BROKERS}\n${BROKERS}`, /is there already/],
    'a name that is no SPIFFE ID': [`${AT}\nbroker "proxy" { references = ["pid"] }`, /broker "proxy": scheme is missing/],
    'a whole trust domain': [`${AT}\nbroker "spiffe://example.org" { references = ["pid"] }`, /it names a trust domain, and nobody in it/],
    'no references said': [`${AT}\nbroker "spiffe://a/b" {}`, /needs references/],
    'no references at all': [`${AT}\nbroker "spiffe://a/b" { references = [] }`, /it could ask for nobody/],
    'references of an unknown kind': [`${AT}\nbroker "spiffe://a/b" { references = ["uid"] }`, /no references of kind "uid", but pid, kubernetes/],
    'more by TCP than otherwise': [
      `${AT}\nbroker "spiffe://a/b" { references = ["pid"] references_over_tcp = ["kubernetes"] }`,
      /references_over_tcp has "kubernetes", which references has not/,
    ],
    "SPIRE's list of brokers": [`${AT}\nbrokers = []`, /"brokers" .* is not offered: write broker "spiffe:/],
    "SPIRE's list of types": [`${AT}\nbroker "spiffe://a/b" { allowed_reference_types = [] }`, /write references = /],
  }
  for (const [what, [text, problem]] of Object.entries(REFUSED)) {
    test(`${what} is refused`, () => assert.throws(() => parse(text), problem))
  }
})
