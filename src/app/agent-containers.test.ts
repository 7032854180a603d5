import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { dockerAttestor } from '../agent/attestors/docker.ts'
import { k8sAttestor } from '../agent/attestors/k8s.ts'
import type { Process } from '../agent/processes.ts'
import { parseHcl } from '../base/hcl.ts'
import { authority, first, second } from '../../test/edge/certificates.ts'
import { folder } from '../../test/support/server.ts'
import { workloadAttestor } from './agent-attestors.ts'
import { getFromKubelet, getLocally } from './agent-http.ts'
import { wholeOf } from './config/stanza.ts'
import { ports } from './ports.ts'

const ID = 'a'.repeat(64)
const POD = '0f47cb8b-4bbd-4c2b-8f1c-0a8a2a0e6b7d'
const IN_DOCKER = `0::/system.slice/docker-${ID}.scope\n`
const IN_POD = `0::/kubepods/burstable/pod${POD}/${ID}\n`

/** A process with these control groups. */
const processIn = (cgroup: string): Process => ({
  pid: 1,
  uid: 0,
  gid: 0,
  isAlive: () => true,
  image: () => '',
  read: () => Buffer.from(cgroup),
  programPath: () => '',
  programHash: async () => undefined,
  close() {},
})

async function serve(t: TestContext, server: Server, at: string | number): Promise<number> {
  await new Promise<void>((resolve) => server.listen(at as never, resolve))
  t.after(() => server.close())
  const address = server.address() as AddressInfo | string
  return typeof address === 'string' ? 0 : address.port
}

describe('the docker attestor', () => {
  const CONTAINER = {
    Image: `sha256:${'d'.repeat(64)}`,
    Config: { Image: 'registry.example/web:1', Labels: { app: 'web', 'com.example/team': 'a:b' }, Env: ['MODE=production'] },
  }

  async function daemon(t: TestContext, listener: RequestListener) {
    const path = join(folder(t), 'docker.sock')
    await serve(t, createServer(listener), path)
    return dockerAttestor(getLocally(path))
  }

  test('says what the daemon says of the container', async (t) => {
    const asked: string[] = []
    const attestor = await daemon(t, ({ url = '' }, response) => {
      asked.push(url)
      response.end(JSON.stringify(CONTAINER))
    })
    assert.deepEqual(await attestor.attest(processIn(IN_DOCKER)), [
      'label:app:web',
      'label:com.example/team:a:b',
      'env:MODE=production',
      'image_id:registry.example/web:1',
      `image_config_digest:sha256:${'d'.repeat(64)}`,
    ])
    assert.deepEqual(asked, [`/containers/${ID}/json`])
  })

  test('has nothing to say of other processes', async (t) => {
    const attestor = await daemon(t, (_, response) => response.end('{}'))
    for (const cgroup of ['0::/system.slice/sshd.service', IN_POD]) assert.deepEqual(await attestor.attest(processIn(cgroup)), [])
  })

  test('fails where the daemon does not know, says nonsense, or is away', async (t) => {
    const refusing = await daemon(t, (_, response) => response.writeHead(404).end('{}'))
    await assert.rejects(async () => refusing.attest(processIn(IN_DOCKER)), /answered 404/)
    const odd = await daemon(t, (_, response) => response.end('[]'))
    await assert.rejects(async () => odd.attest(processIn(IN_DOCKER)), /another form/)
    await assert.rejects(async () => dockerAttestor(getLocally('/none')).attest(processIn(IN_DOCKER)), /ENOENT/)
  })
})

describe('the k8s attestor', () => {
  const pod = (more: object = {}, status: object = {}) => ({
    metadata: {
      name: 'web-1',
      namespace: 'shop',
      uid: POD,
      labels: { app: 'web' },
      ownerReferences: [{ kind: 'ReplicaSet', name: 'web', uid: 'r1' }],
      ...more,
    },
    spec: { serviceAccountName: 'web', nodeName: 'node-1' },
    status: {
      containerStatuses: [{ name: 'main', image: 'web:1', imageID: 'web@sha256:1', containerID: `containerd://${ID}` }],
      initContainerStatuses: [{ name: 'setup', image: 'setup:1', imageID: 'setup@sha256:2', containerID: `containerd://${'b'.repeat(64)}` }],
      ...status,
    },
  })
  const POD_SELECTORS = [
    'sa:web',
    'ns:shop',
    'node-name:node-1',
    `pod-uid:${POD}`,
    'pod-name:web-1',
    'pod-image-count:1',
    'pod-init-image-count:1',
    'pod-image:web@sha256:1',
    'pod-image:web:1',
    'pod-init-image:setup@sha256:2',
    'pod-init-image:setup:1',
    'pod-label:app:web',
    'pod-owner:ReplicaSet:web',
    'pod-owner-uid:ReplicaSet:r1',
  ]
  const CONTAINER_SELECTORS = ['container-name:main', 'container-image:web@sha256:1', 'container-image:web:1']

  /** A kubelet that gives one answer after another, and the last one for ever. */
  async function kubelet(t: TestContext, ...answers: readonly object[][]) {
    let at = 0
    const port = await serve(
      t,
      createServer((_, response) => response.end(JSON.stringify({ items: answers[Math.min(at++, answers.length - 1)] }))),
      0,
    )
    const get = getFromKubelet({ host: '127.0.0.1', port, tls: undefined })
    return { attestor: (containers = true) => k8sAttestor(get, { tries: 3, pause: 1, containers }, ports), asked: () => at }
  }

  test('says what the kubelet says of pod and container', async (t) => {
    const { attestor } = await kubelet(t, [pod({ uid: 'another' }, { containerStatuses: [] }), pod()])
    assert.deepEqual(await attestor().attest(processIn(IN_POD)), [...POD_SELECTORS, ...CONTAINER_SELECTORS])
  })

  test('waits for a container that is not reported yet, but not for ever', async (t) => {
    const late = await kubelet(t, [pod({}, { containerStatuses: [] })], [pod()])
    assert.equal((await late.attestor().attest(processIn(IN_POD))).length, POD_SELECTORS.length + CONTAINER_SELECTORS.length)
    assert.equal(late.asked(), 2)
    const never = await kubelet(t, [])
    await assert.rejects(async () => never.attestor().attest(processIn(IN_POD)), /does not report the container/)
    assert.equal(never.asked(), 3)
  })

  test('the pod alone, where containers are not looked at', async (t) => {
    const { attestor } = await kubelet(t, [pod({}, { containerStatuses: [], initContainerStatuses: [] })])
    const selectors = await attestor(false).attest(processIn(IN_POD))
    assert.ok(selectors.includes('pod-name:web-1'))
    assert.ok(!selectors.some((one) => one.startsWith('container-')))
  })

  test('has nothing to say of other processes', async (t) => {
    const { attestor, asked } = await kubelet(t, [pod()])
    for (const cgroup of ['0::/', IN_DOCKER]) assert.deepEqual(await attestor().attest(processIn(cgroup)), [])
    assert.equal(asked(), 0)
  })

  test('the same container in two pods is refused', async (t) => {
    const { attestor } = await kubelet(t, [pod(), pod({ name: 'web-2' })])
    await assert.rejects(async () => attestor().attest(processIn(IN_POD)), /in several pods/)
  })

  test('over TLS the kubelet is known by its authorities, and knows the agent by its token', async (t) => {
    const at = folder(t)
    const seen: (string | undefined)[] = []
    const server = createTlsServer({ cert: first.cert, key: first.key }, ({ headers }, response) => {
      seen.push(headers.authorization)
      response.end(JSON.stringify({ items: [pod()] }))
    })
    const port = await serve(t, server as unknown as Server, 0)
    writeFileSync(join(at, 'ca.crt'), authority.cert)
    writeFileSync(join(at, 'token'), 'secret\n')
    const configured = (more = '') => {
      const hcl = `workload_attestor "k8s" {\nkubelet_secure_port = ${port}\nkubelet_ca_path = "${at}/ca.crt"\ntoken_path = "${at}/token"\nmax_poll_attempts = 1\n${more}}`
      const { items } = parseHcl(hcl)
      const body = items[0]?.value
      const block = wholeOf([{ file: 'agent.hcl', body: body as never }], () => {})
      return workloadAttestor({ ...block, labels: ['k8s'] })
    }
    assert.ok((await configured().attest(processIn(IN_POD))).includes('ns:shop'))
    assert.deepEqual(seen, ['Bearer secret'])
    writeFileSync(join(at, 'ca.crt'), second.cert)
    await assert.rejects(async () => configured().attest(processIn(IN_POD)), /certificate/)
    assert.ok((await configured('skip_kubelet_verification = true\n').attest(processIn(IN_POD))).includes('ns:shop'))
    assert.throws(() => configured('poll_retry_interval = "often"\n'), /"often" is no duration/)
    assert.throws(() => configured('certificate_path = "/c"\n'), /belong together/)
  })
})
