import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { dockerAttestor } from '../agent/attestors/docker.ts'
import type { HttpGet } from '../agent/attestors/http.ts'
import { k8sAttestor } from '../agent/attestors/k8s.ts'
import type { Process } from '../agent/processes.ts'
import { parseHcl } from '../base/hcl.ts'
import type { JsonObject } from '../base/json.ts'
import { authority, first, second } from '../../test/edge/certificates.ts'
import { folder } from '../../test/support/server.ts'
import { apiServer } from '../testing/kubernetes.ts'
import { workloadAttestor } from './agent-attestors.ts'
import { getFromKubernetes, getLocally } from './agent-http.ts'
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
    const get = getFromKubernetes({ host: '127.0.0.1', port, tls: undefined })
    const settings = { tries: 3, pause: 1, clusterPods: false }
    return {
      attestor: (containers = true) => k8sAttestor(get, { ...settings, containers }, ports),
      ofCluster: (api: HttpGet) => k8sAttestor(get, { ...settings, containers: true, clusterPods: true }, ports, api),
      asked: () => at,
    }
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

  const reference = (key: { namespace: string; name: string } | undefined, uid?: string) => ({ plural: 'pods', group: 'core', key, uid })

  test('a pod that is referred to is what the kubelet says of it, without a container', async (t) => {
    const { attestor } = await kubelet(t, [pod({ uid: 'another', name: 'web-2' }), pod()])
    const { objects } = attestor()
    const found = { values: POD_SELECTORS }
    assert.deepEqual(await objects?.attest(reference({ namespace: 'shop', name: 'web-1' }), false), found)
    assert.deepEqual(await objects?.attest(reference(undefined, POD), false), found)
    assert.deepEqual(await objects?.attest(reference({ namespace: 'shop', name: 'web-1' }, 'another'), false), undefined)
    assert.deepEqual(await objects?.attest(reference({ namespace: '', name: 'web-1' }), false), {
      refused: 'object reference key is missing namespace',
    })
  })

  test('who looks again at a pod is told what was known a moment ago, and the news after that', async (t) => {
    const { attestor, asked } = await kubelet(t, [pod()], [])
    const { objects } = attestor()
    const again = () => objects?.attest(reference(undefined, POD), true)
    assert.ok(await again())
    assert.ok(await again())
    assert.equal(asked(), 1)
    assert.equal(await objects?.attest(reference(undefined, POD), false), undefined)
    assert.equal(asked(), 2)
  })

  test('a pod of another node is what the API server says of it, where that is wanted', async (t) => {
    const { attestor, ofCluster } = await kubelet(t, [])
    const api = apiServer()
    const { metadata, ...rest } = pod() as { metadata: JsonObject }
    api.put('pods.core', metadata, rest)
    const named = reference({ namespace: 'shop', name: 'web-1' })
    assert.equal(await attestor().objects?.attest(named, false), undefined)
    const { objects } = ofCluster(api.get)
    for (const one of [named, reference(undefined, POD), reference({ namespace: 'shop', name: 'web-1' }, POD)]) {
      assert.deepEqual(await objects?.attest(one, false), { values: POD_SELECTORS })
    }
    assert.equal(await objects?.attest(reference({ namespace: 'shop', name: 'web-1' }, 'another'), false), undefined)
    assert.deepEqual(await objects?.attest(reference({ namespace: '', name: 'web-1' }), false), {
      refused: 'object reference key is missing namespace',
    })
    api.remove('pods.core', 'web-1')
    assert.equal(await objects?.attest(reference(undefined, POD), false), undefined)
  })

  test('a pod that this node has is asked of nobody else', async (t) => {
    const { ofCluster } = await kubelet(t, [pod()])
    const api = apiServer()
    assert.ok(await ofCluster(api.get).objects?.attest(reference(undefined, POD), false))
    assert.deepEqual(api.asked, [])
  })

  test('without an API server nothing is known of other objects', async (t) => {
    const { attestor } = await kubelet(t, [pod()])
    const other = { plural: 'deployments', group: 'apps', key: undefined, uid: POD }
    assert.deepEqual(await attestor().objects?.attest(other, false), { refused: 'there are no objects of type deployments.apps here' })
  })

  test('the API server is known by its name and authorities, and knows the agent by its token', async (t) => {
    const at = folder(t)
    const api = apiServer()
    api.put('deployments.apps', { name: 'checkout', namespace: 'shop', uid: POD })
    const seen: (string | undefined)[] = []
    const server = createTlsServer({ cert: first.cert, key: first.key }, ({ url = '', headers }, response) => {
      seen.push(headers.authorization)
      void api.get(url, { accept: headers.accept ?? '' }).then(({ status, body }) => response.writeHead(status).end(body))
    })
    const port = await serve(t, server as unknown as Server, 0)
    writeFileSync(join(at, 'ca.crt'), authority.cert)
    writeFileSync(join(at, 'token'), 'secret\n')
    const more = (host: string) => `api_server_address = "${host}:${port}"\napi_server_ca_path = "${at}/ca.crt"\n`
    const find = (host: string) =>
      configured(at, more(host)).objects?.attest(
        { plural: 'deployments', group: 'apps', key: { namespace: 'shop', name: 'checkout' }, uid: undefined },
        false,
      )
    assert.ok(await find('localhost'))
    assert.deepEqual(new Set(seen), new Set(['Bearer secret']))
    assert.ok(api.asked.some(({ accept }) => accept?.includes('as=PartialObjectMetadata')))
    writeFileSync(join(at, 'ca.crt'), second.cert)
    await assert.rejects(async () => find('localhost'), /certificate/)
    assert.throws(() => configured(at, 'api_server_address = "here"\n'), /"here" is not host:port/)
    const { KUBERNETES_SERVICE_HOST: cluster } = process.env // set where this itself runs in a pod
    delete process.env['KUBERNETES_SERVICE_HOST']
    t.after(() => void (cluster !== undefined && (process.env['KUBERNETES_SERVICE_HOST'] = cluster)))
    assert.throws(() => configured(at, 'cluster_pods = true\n'), /cluster_pods needs an API server/)
  })

  /** From the configuration, with a token in the folder. */
  function configured(at: string, more: string) {
    const hcl = `workload_attestor "k8s" {\ntoken_path = "${at}/token"\nmax_poll_attempts = 1\n${more}}`
    const body = parseHcl(hcl).items[0]?.value
    return workloadAttestor({ ...wholeOf([{ file: 'agent.hcl', body: body as never }], () => {}), labels: ['k8s'] })
  }

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
    const kubelet = (more = '') => configured(at, `kubelet_secure_port = ${port}\nkubelet_ca_path = "${at}/ca.crt"\n${more}`)
    assert.ok((await kubelet().attest(processIn(IN_POD))).includes('ns:shop'))
    assert.deepEqual(seen, ['Bearer secret'])
    writeFileSync(join(at, 'ca.crt'), second.cert)
    await assert.rejects(async () => kubelet().attest(processIn(IN_POD)), /certificate/)
    assert.ok((await kubelet('skip_kubelet_verification = true\n').attest(processIn(IN_POD))).includes('ns:shop'))
    assert.throws(() => kubelet('poll_retry_interval = "often"\n'), /"often" is no duration/)
    assert.throws(() => kubelet('certificate_path = "/c"\n'), /belong together/)
  })
})
