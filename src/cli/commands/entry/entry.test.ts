// `signet entry …` and its neighbours: what is asked, what a plan says, what is refused before anything is asked.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runWith } from '../../../testing/cli-ports.ts'
import { differences, planFor } from './plan.ts'

const WEB = 'spiffe://example.org/web'
const NODE = 'spiffe://example.org/node'
const DOMAIN = { 'GET spiffe/trust-domain': { trust_domain: 'example.org' } }

for (const [line, expected] of [
  [
    'entry count -parentID=p -downstream=false',
    'GET spiffe/count/entries?downstream=false&federates_with_match=superset&parent_id=p&selectors_match=superset',
  ],
  ['entry delete -entryID=web', 'DELETE spiffe/entries/web'],
  ['token generate -ttl=60', 'POST spiffe/join-tokens {"ttl":60}'],
  [`token generate -spiffeID=${NODE}`, `POST spiffe/join-tokens {"ttl":600,"spiffe_id":"${NODE}"}`],
  ['agent show -spiffeID=spiffe://example.org/spire/agent/x/1', 'GET spiffe/agents/spire/agent/x/1'],
  ['agent evict -spiffeID=spiffe://example.org/spire/agent/x/1', 'DELETE spiffe/agents/spire/agent/x/1'],
  ['agent ban -spiffeID=spiffe://example.org/spire/agent/x/1', 'POST spiffe/agents/spire/agent/x/1/ban {}'],
  ['agent ban -spiffeID=spiffe://example.org/spire/agent/x/1 -revoke=false', 'POST spiffe/agents/spire/agent/x/1/ban {"revoke":false}'],
  ['entry delete -entryID=web -revoke -reason=superseded', 'DELETE spiffe/entries/web?reason=superseded&revoke=true'],
  ['svid revoke -serialNumber=ab:cd -authorityID=ef', 'POST spiffe/svid/revoke {"serial_number":"ab:cd","authority_id":"ef"}'],
  ['svid revoke -entryID=web -reason=superseded', 'POST spiffe/svid/revoke {"entry_id":"web","reason":"superseded"}'],
  ['svid revoke -agentID=spiffe://example.org/spire/agent/x/1', 'POST spiffe/svid/revoke {"agent_id":"spiffe://example.org/spire/agent/x/1"}'],
  ['svid crl', 'GET spiffe/crl'],
  ['agent count -banned -canReattest=false', 'GET spiffe/count/agents?banned=true&can_reattest=false&selectors_match=superset'],
  ['bundle show -format=spiffe', 'GET spiffe/bundle?format=spiffe'],
  ['bundle list -id=spiffe://b.org', 'GET spiffe/bundles/b.org?format=pem'],
  ['bundle delete -id=b.org -mode=dissociate', 'DELETE spiffe/bundles/b.org?mode=dissociate'],
  ['federation show -trustDomain=b.org', 'GET spiffe/federation/b.org'],
  ['federation delete -id=b.org', 'DELETE spiffe/federation/b.org'],
  ['federation refresh -id=b.org', 'POST spiffe/federation/b.org/refresh'],
  [
    'federation create -trustDomain=b.org -bundleEndpointURL=https://b.org -bundleEndpointProfile=https_web',
    'POST spiffe/federation/b.org {"bundle_endpoint_url":"https://b.org","bundle_endpoint_profile":"https_web","when":"absent"}',
  ],
  [`jwt mint -spiffeID=${WEB} -audience=a -audience=b -ttl=60`, `POST spiffe/svid/jwt {"spiffe_id":"${WEB}","ttl":60,"audience":["a","b"]}`],
  ['jwt exchange -role=people -audience=db', 'POST spiffe/exchange/jwt {"role":"people","audience":["db"]}'],
  ['jwt validate -audience=a -svid=t', 'POST spiffe/svid/validate {"audience":"a","svid":"t"}'],
  ['localauthority x509 show', 'GET spiffe/authorities/x509'],
  ['localauthority jwt prepare', 'POST spiffe/authorities/jwt/prepare {}'],
  ['localauthority wit show', 'GET spiffe/authorities/wit'],
  ['localauthority wit activate -authorityID=ab', 'POST spiffe/authorities/wit/activate {"authority_id":"ab"}'],
  ['localauthority x509 taint -authorityID=ab', 'POST spiffe/authorities/x509/taint {"authority_id":"ab"}'],
] as const) {
  test(`asks: ${line}`, async () => {
    const { sent } = await runWith(line)
    assert.equal(sent.length, 1)
    assert.equal(inOrder(sent[0] as string), expected)
  })
}

/** Parameters of a query in the order of their names. */
function inOrder(request: string): string {
  const [path, query] = request.split('?')
  return query === undefined ? request : `${path}?${query.split('&').sort().join('&')}`
}

test('times of agents are taken as SPIRE writes them', async () => {
  const { requests } = await runWith(['agent', 'count', '-expiresBefore=2026-01-02 15:04:05 -0700 -07'])
  assert.equal(new URL(requests[0]?.url as string).searchParams.get('expires_before'), '2026-01-02T15:04:05-07:00')
})

test('an entry is made of its flags; a node below the server', async () => {
  const { requests } = await runWith(`entry create -node -spiffeID=${NODE} -selector=unix:uid:1 -entryID=n`, { script: DOMAIN })
  const body = JSON.parse(Buffer.from(requests[1]?.body as Uint8Array).toString())
  assert.deepEqual(
    [body.id, body.spiffe_id, body.parent_id, body.selectors, body.admin],
    ['n', NODE, 'spiffe://example.org/spire/server', ['unix:uid:1'], false],
  )
})

for (const [line, err] of [
  [`entry create -spiffeID=${WEB} -parentID=${NODE}`, 'at least one selector is required'],
  [`entry create -spiffeID=${WEB} -selector=unix:uid:1`, 'a parent ID is required if the node flag is not set'],
  [`entry create -parentID=${NODE} -selector=unix:uid:1`, 'a SPIFFE ID is required'],
  [`entry create -node -spiffeID=${NODE} -selector=unix:uid:1 -federatesWith=b.org`, 'node entries can not federate'],
  [`entry update -spiffeID=${WEB}`, 'entry ID is required'],
  ['entry delete', 'an entry ID is required'],
  [`entry show -entryID=a -spiffeID=${WEB}`, "the -entryID flag can't be combined with others"],
  ['entry show -matchSelectorsOn=some', 'invalid value "some" for flag -matchSelectorsOn: must be one of exact, any, superset, subset'],
  ['entry explain', 'at least one selector is required'],
  ['entry apply', 'a file is required: -f'],
  ['entry create -data=none.json', 'error reading file: open none.json: no such file or directory'],
  ['bundle set', 'id is required'],
  ['bundle set -id=b.org/x', '"b.org/x" is not a trust domain'],
  ['federation create -bundleEndpointURL=https://b.org', 'trust domain is required'],
  ['federation create -trustDomain=b.org', 'bundle endpoint URL is required'],
  ['federation update -trustDomain=b.org -bundleEndpointURL=https://b.org', 'bundle endpoint profile is required'],
  ['agent show', 'a SPIFFE ID is required'],
  ['agent ban -spiffeID=web', '"web" is not the SPIFFE ID of an agent'],
  ['x509 mint', 'spiffeID must be specified'],
  ['x509 exchange', 'a role must be specified'],
  ['jwt exchange -audience=db', 'a role must be specified'],
  ['jwt exchange -role=people', 'at least one audience must be specified'],
  [`jwt mint -spiffeID=${WEB}`, 'at least one audience must be specified'],
  ['jwt validate -svid=t', 'audience must be specified'],
  ['localauthority jwt revoke', 'an authority ID is required'],
  ['localauthority wit taint', 'an authority ID is required'],
  ['wit mint', 'spiffeID must be specified'],
  ['wit exchange', 'a role must be specified'],
  [`wit mint -spiffeID=${WEB} -keyType=ed25519`, "unsupported key type 'ed25519'"],
  [`wit mint -spiffeID=${WEB} -keyType=rsa-2048 -signingAlgorithm=ES256`, "unsupported key type 'rsa-2048' for 'ES256' signing algorithm"],
  [`wit mint -spiffeID=${WEB} -signingAlgorithm=none`, "unsupported key type 'ec-p256' for 'none' signing algorithm"],
] as const) {
  test(`refuses: ${line}`, async () => {
    const ran = await runWith(line)
    assert.deepEqual([ran.code, ran.err.split('\n')[0], ran.sent], [1, err, []])
  })
}

for (const [text, err] of [
  ['[', 'e.json holds no JSON'],
  ['{"entries": {}}', 'e.json holds no list of entries'],
  ['[3]', 'entry 1 of e.json is no object'],
  ['[{"selectors": [{"type": "unix"}]}]', 'entry 1 of e.json: {"type":"unix"} has not exactly type and value'],
  ['[{"additional_attributes": 1}]', 'entry 1 of e.json: additional_attributes is no object'],
] as const) {
  test(`refuses the file ${text}`, async () => {
    const ran = await runWith('entry create -data=e.json', { files: { 'e.json': text } })
    assert.deepEqual([ran.code, ran.err.trim(), ran.sent], [1, err, []])
  })
}

test('federation relationships of a file are made one by one, and each failure is told', async () => {
  const relationship = {
    trustDomain: 'b.org',
    bundleEndpointURL: 'https://b.org',
    bundleEndpointProfile: 'https_spiffe',
    endpointSPIFFEID: 'spiffe://b.org/e',
  }
  const more = [
    { ...relationship, trustDomain: 'c.org' },
    { ...relationship, trustDomain: 'd.org' },
  ]
  const files = {
    'f.json': JSON.stringify({
      federationRelationships: [{ ...relationship, trustDomainBundle: { keys: [] }, trustDomainBundleFormat: 'spiffe' }, ...more],
    }),
  }
  const script = {
    'POST spiffe/federation/b.org': { data: { trust_domain: 'b.org', bundle_endpoint_url: 'https://b.org', existed: false } },
    'POST spiffe/federation/c.org': { data: { trust_domain: 'c.org', existed: true } },
    'POST spiffe/federation/d.org': [400, { errors: ['no'] }],
  } as const
  const ran = await runWith('federation create -data=f.json', { files, script })
  assert.equal(ran.code, 1)
  assert.match(ran.sent[0] as string, /"endpoint_spiffe_id":"spiffe:\/\/b.org\/e","bundle":\{"keys":\[\]\},"format":"spiffe","when":"absent"/)
  assert.match(ran.out, /^\nTrust domain {14}: b\.org\nBundle endpoint URL {7}: https:\/\/b\.org\n$/)
  assert.match(ran.err, /with c\.org \(msg: "it exists already"\)\n\n.*with d\.org \(msg: "no"\)/)
})

test('entries to update are named', async () => {
  const ran = await runWith('entry update -data=e.json', { files: { 'e.json': `[{"spiffe_id": "${WEB}"}]` } })
  assert.deepEqual([ran.code, ran.err], [1, 'entry 1 has no entry_id\n'])
})

describe('a plan', () => {
  const told = { id: 'w', spiffe_id: WEB, parent_id: NODE, selectors: ['unix:gid:1', 'unix:uid:2'], x509_svid_ttl: 60, expires_at: null }
  const defaults = { jwt_svid_ttl: 0, federates_with: ['b.org'], admin: false, downstream: false, dns_names: [], store_svid: false }
  const more = { hint: '', subject: '', disable_x509_svid_prefetch: false, jwt_svid_include_jti: false, revision_number: 4 }
  const present = [{ ...told, ...defaults, ...more }]
  const same = {
    spiffe_id: WEB,
    parent_id: NODE,
    selectors: ['unix:uid:2', 'unix:gid:1', 'unix:uid:2'],
    x509_svid_ttl: '1m',
    federates_with: ['spiffe://b.org'],
  }

  test('finds an entry that is written otherwise and means the same', () => {
    assert.deepEqual(planFor([same], present, true), { create: [], update: [], remove: [], unchanged: 1 })
  })

  test('tells what differs', () => {
    const { update } = planFor([{ ...same, hint: 'main', expires_at: '2030-01-01T01:00:00+01:00' }], present, false)
    assert.deepEqual(differences(update[0]?.from ?? {}, update[0]?.to ?? {}), [
      ['expires_at', '<nil>', '2030-01-01T00:00:00.000Z'],
      ['hint', '', 'main'],
    ])
    assert.equal(update[0]?.to['id'], 'w')
  })

  test('goes by ids where there are any', () => {
    const moved = planFor([{ ...same, id: 'w', spiffe_id: `${WEB}/2` }], present, true)
    assert.deepEqual([moved.create.length, moved.update.length, moved.remove.length], [0, 1, 0])
    const other = planFor([{ ...same, id: 'x' }], present, true)
    assert.deepEqual([other.create.length, other.update.length, other.remove.length], [1, 0, 1])
  })

  test('removes only if so wished', () => {
    assert.equal(planFor([], present, false).remove.length, 0)
    assert.equal(planFor([], present, true).remove.length, 1)
  })

  test('of nonsense is refused', () => {
    assert.throws(() => planFor([{ ...same, expires_at: 'soon' }], present, false), /no time/)
  })
})
