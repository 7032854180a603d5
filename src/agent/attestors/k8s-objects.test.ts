import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { settableClock } from '../../testing/clock.ts'
import { apiServer } from '../../testing/kubernetes.ts'
import type { ObjectReference } from './attestor.ts'
import { kubernetesObjects } from './k8s-objects.ts'

const UID = '0f47cb8b-4bbd-4c2b-8f1c-0a8a2a0e6b7d'
const DEPLOYMENT = {
  name: 'checkout',
  namespace: 'shop',
  uid: UID,
  labels: { app: 'checkout', 'example.com/team': 'a:b' },
  annotations: { note: 'free' },
  ownerReferences: [
    { apiVersion: 'example.com/v1beta1', kind: 'App', name: 'shop', uid: 'a1', controller: true },
    { apiVersion: 'v1', kind: 'ConfigMap', name: 'c', uid: 'c1' },
  ],
}

const reference = (more: Partial<ObjectReference>): ObjectReference => ({
  plural: 'deployments',
  group: 'apps',
  key: undefined,
  uid: undefined,
  ...more,
})
const BY_NAME = reference({ key: { namespace: 'shop', name: 'checkout' } })

function opened() {
  const server = apiServer()
  const clock = settableClock()
  return { server, clock, find: kubernetesObjects(server.get, clock).describe }
}

describe('objects of Kubernetes', () => {
  test('are known by their metadata, but for annotations', async () => {
    const { server, find } = opened()
    server.put('deployments.apps', DEPLOYMENT)
    assert.deepEqual(await find(BY_NAME), {
      values: [
        `uid:${UID}`,
        'resource:deployments.apps',
        'plural:deployments',
        'group:apps',
        'version:v1',
        'apiVersion:apps/v1',
        'kind:Deployment',
        'name:checkout',
        'namespace:shop',
        'key:shop/checkout',
        'label:app:checkout',
        'label:example.com/team:a:b',
        'owner-key:example.com/App/shop',
        'owner-uid:example.com/App/a1',
        'controller-key:example.com/App/shop',
        'controller-uid:example.com/App/a1',
        'owner-key:core/ConfigMap/c',
        'owner-uid:core/ConfigMap/c1',
      ],
    })
    assert.ok(server.asked.every(({ path, accept = '' }) => !path.includes('deployments') || accept.includes('as=PartialObjectMetadata')))
  })

  test('of the cluster as a whole have no namespace', async () => {
    const { server, find } = opened()
    server.put('nodes.core', { name: 'node-1', uid: UID })
    const found = await find(reference({ plural: 'nodes', group: 'core', key: { namespace: '', name: 'node-1' } }))
    assert.ok(found && 'values' in found)
    assert.deepEqual(
      found.values.filter((one) => /^(apiVersion|namespace|key|kind)/.test(one)),
      ['apiVersion:v1', 'kind:Node', 'key:node-1'],
    )
  })

  test('by uid alone are looked for page by page, and by name from then on', async () => {
    const { server, find } = opened()
    for (let at = 0; at < 1_100; at++) server.put('deployments.apps', { name: `d${at}`, namespace: 'shop', uid: `u${at}` })
    server.put('deployments.apps', DEPLOYMENT)
    assert.ok(await find(reference({ uid: UID })))
    const lists = () => server.asked.filter(({ path }) => path.includes('limit='))
    assert.equal(lists().length, 3)
    assert.ok(await find(reference({ uid: UID })))
    assert.equal(lists().length, 3)
    server.remove('deployments.apps', 'checkout')
    assert.equal(await find(reference({ uid: UID })), undefined)
    assert.equal(await find(reference({ uid: 'none' })), undefined)
  })

  test('that are absent, or have another uid, are not found', async () => {
    const { server, find } = opened()
    server.put('deployments.apps', DEPLOYMENT)
    assert.equal(await find(reference({ key: { namespace: 'shop', name: 'other' } })), undefined)
    assert.equal(await find({ ...BY_NAME, uid: 'another' }), undefined)
    assert.equal(await find(reference({ key: { namespace: '..', name: '..' } })), undefined)
    assert.ok(await find({ ...BY_NAME, uid: UID }))
  })

  test('cannot be named in a way that leads elsewhere', async () => {
    const { server, find } = opened()
    server.put('deployments.apps', DEPLOYMENT)
    assert.equal(await find(reference({ key: { namespace: 'shop', name: '../deployments/checkout' } })), undefined)
    assert.equal(await find(reference({ key: { namespace: 'shop/deployments/checkout?', name: 'x' } })), undefined)
    for (const plural of ['deployments/status', '../secrets', 'Deployments', '']) assert.ok('refused' in ((await find({ ...BY_NAME, plural })) ?? {}))
    for (const group of ['apps/v1', '..', 'none.example', 'core']) assert.ok('refused' in ((await find({ ...BY_NAME, group })) ?? {}))
  })

  test('need a namespace where their type has them, and may have none otherwise', async () => {
    const { find } = opened()
    assert.deepEqual(await find(reference({ key: { namespace: '', name: 'checkout' } })), { refused: 'object reference key is missing namespace' })
    assert.deepEqual(await find(reference({ plural: 'nodes', group: 'core', key: { namespace: 'shop', name: 'n' } })), {
      refused: 'namespace must be empty for a cluster-scoped resource',
    })
  })

  test('of a type that came later are found within a minute', async () => {
    const { server, clock, find } = opened()
    const custom = reference({ plural: 'kustomizations', group: 'kustomize.example', uid: UID })
    assert.ok('refused' in ((await find(custom)) ?? {}))
    server.define('kustomizations.kustomize.example', { version: 'v1beta2', kind: 'Kustomization', namespaced: true })
    server.put('kustomizations.kustomize.example', DEPLOYMENT)
    clock.advance(60_000)
    const found = await find(custom)
    assert.ok(found && 'values' in found && found.values.includes('apiVersion:kustomize.example/v1beta2'))
  })

  test('a server that refuses, or says nonsense, is no answer', async () => {
    const { server, find } = opened()
    server.fail(403)
    await assert.rejects(find(BY_NAME), /the API server answered 403/)
    const odd = kubernetesObjects(async () => ({ status: 200, body: Buffer.from('[]') }), settableClock()).describe
    await assert.rejects(odd(BY_NAME), /another form/)
  })
})
