// Envoy, unchanged, with identities by SDS alone: mutual TLS between services, for those who may, while everything under it is replaced.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { connect } from 'node:tls'
import { pem } from '../../src/crypto/certificate.ts'
import { newCsr } from '../../src/crypto/csr.ts'
import { exportSigningKey, newSigningKey } from '../../src/crypto/signing-key.ts'
import { until } from '../processes/load.ts'
import { nodeOf, trustDomainServer } from '../support/agent.ts'
import { ask, folder, freePort } from '../support/server.ts'
import { envoy } from '../support/tools.ts'
import { adminAt, clientProxy, type ProxyIdentity, serviceProxy } from './envoy-config.ts'

const id = (name: string) => `spiffe://example.org/${name}`

async function runEnvoy(t: TestContext, program: string, config: object): Promise<void> {
  const path = join(folder(t), 'envoy.json')
  writeFileSync(path, JSON.stringify(config))
  const args = ['--config-path', path, '--concurrency', '1', '--disable-hot-restart', '--log-level', 'warn']
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const said: string[] = []
  child.stderr.setEncoding('utf8').on('data', (text) => said.push(text))
  t.after(() => {
    child.kill('SIGKILL')
    t.diagnostic(said.join('').slice(-4_000))
  })
}

/** Of the certificate that it serves, to whomever. */
function serialOf(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, servername: 'service', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().serialNumber)
      socket.destroy()
    })
    socket.once('error', reject)
  })
}

test('Envoys speak with whom they may, and go on while authorities and identities are replaced', async (t) => {
  const program = await envoy()
  if ('missing' in program) return t.skip(program.missing)
  const server = await trustDomainServer(t, folder(t))
  const { socket, entry } = await nodeOf(t, server, folder(t))
  for (const name of ['orders', 'web', 'stranger']) await entry(`/${name}`, {})

  const [service, web, stranger, admin] = [await freePort(), await freePort(), await freePort(), await freePort()]
  const of = (name: string, peer: string, more: Pick<ProxyIdentity, 'way' | 'bundle'>) => ({ socket, spiffeId: id(name), peer: id(peer), ...more })
  const guarded = serviceProxy(service, of('orders', 'web', { way: 'GRPC', bundle: 'ALL' }))
  await runEnvoy(t, program.path, { ...guarded, admin: adminAt(admin) })
  await runEnvoy(t, program.path, clientProxy(web, service, of('web', 'orders', { way: 'DELTA_GRPC', bundle: 'ROOTCA' })))
  await runEnvoy(t, program.path, clientProxy(stranger, service, of('stranger', 'orders', { way: 'GRPC', bundle: 'spiffe://example.org' })))
  const get = (port: number) => fetch(`http://127.0.0.1:${port}/`)
  const answers = (port: number, status: number) => () =>
    get(port).then(
      (answer) => answer.status === status,
      () => false,
    )
  await until('both proxies serve', answers(web, 200))
  await until('the proxy that may not is refused by the service', answers(stranger, 503))
  assert.match(await (await fetch(`http://127.0.0.1:${admin}/stats?filter=ssl.fail_verify`)).text(), /fail_verify_san: [1-9]/)

  const first = await get(web)
  assert.equal(first.headers.get('x-peer'), id('web'))
  const before = { client: first.headers.get('x-peer-serial'), service: await serialOf(service) }
  const step = async (verb: string, authority_id?: string) =>
    (await ask(server.address, 'POST', `spiffe/authorities/x509/${verb}`, { authority_id }, server.token)).body.data?.authority_id
  const { authorities } = (await ask(server.address, 'GET', 'spiffe/authorities/x509', undefined, server.token)).body.data
  const old = authorities.find(({ state }: { state: string }) => state === 'active').authority_id
  const working = async () => {
    const answer = await get(web)
    assert.equal(answer.status, 200, await answer.text())
    return answer.headers.get('x-peer-serial')
  }
  await step('activate', await step('prepare'))
  await step('taint', old)
  await until('both have SVIDs of the new authority', async () => (await working()) !== before.client && (await serialOf(service)) !== before.service)
  await step('revoke', old)
  for (let n = 0; n < 50; n++) await working()
})

/** What a service answers to who shows this SVID; undefined where it takes none of it. */
function answerTo(port: number, svid: { readonly cert: string; readonly key: string }): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, servername: 'service', rejectUnauthorized: false, ...svid }, () => {
      socket.write('GET / HTTP/1.1\r\nhost: service\r\nconnection: close\r\n\r\n')
    })
    socket.setEncoding('utf8').once('data', (text: string) => {
      resolve(text.slice(0, text.indexOf('\r')))
      socket.destroy()
    })
    socket.once('error', () => resolve(undefined))
    socket.once('close', () => resolve(undefined))
  })
}

test('an Envoy takes a revoked SVID no more, whichever way it checks', async (t) => {
  const program = await envoy()
  if ('missing' in program) return t.skip(program.missing)
  const server = await trustDomainServer(t, folder(t))
  const { socket, entry } = await nodeOf(t, server, folder(t))
  await entry('/orders', {})
  const identity: ProxyIdentity = { socket, spiffeId: id('orders'), peer: id('web'), way: 'GRPC', bundle: 'ROOTCA' }
  const ports: number[] = []
  for (const plain of [false, true]) {
    const port = await freePort()
    const config = serviceProxy(port, identity) as { node: object }
    await runEnvoy(t, program.path, { ...config, node: { ...config.node, metadata: { disable_spiffe_cert_validation: plain } } })
    ports.push(port)
  }
  const call = async (path: string, body: object) => (await ask(server.address, 'POST', path, body, server.token)).body.data
  const svid = async () => {
    const key = newSigningKey('ec-p256')
    const { certificate: cert } = await call('spiffe/svid/x509', { spiffe_id: id('web'), csr: newCsr(key).toString('base64') })
    return { cert, key: pem('PRIVATE KEY', exportSigningKey(key)) }
  }
  const [lost, other] = [await svid(), await svid()]
  const OK = 'HTTP/1.1 200 OK'
  const takes = (port: number, one: Parameters<typeof answerTo>[1]) => async () => (await answerTo(port, one)) === OK
  for (const port of ports) for (const one of [lost, other]) await until('it takes both', takes(port, one))
  await call('spiffe/svid/revoke', { certificate: lost.cert })
  for (const port of ports) {
    await until('it takes the revoked one no more', async () => (await answerTo(port, lost)) === undefined)
    await until('it takes the other', takes(port, other))
    assert.equal(await answerTo(port, lost), undefined)
  }
})
