import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { silent } from '../../base/log.ts'
import { GrpcError, STATUS } from '../../wire/grpc.ts'
import type { ObjectFindings, WorkloadAttestor } from '../attestors/attestor.ts'
import type { Process } from '../processes.ts'
import { openAttestObject, openWorkload, type WorkloadDeps } from './workloads.ts'

const POD = { plural: 'pods', group: 'core', key: { namespace: 'shop', name: 'web' }, uid: undefined }
const is = (code: number) => (error: unknown) => error instanceof GrpcError && error.code === code

describe('a process that is referred to', () => {
  /** One that a test has in its hands. */
  function opened() {
    const state = { alive: true, image: 'one', fails: false, attested: 0, closed: false }
    const process = { isAlive: () => state.alive, image: () => state.image, close: () => (state.closed = true) } as unknown as Process
    const attest = async () => {
      state.attested++
      if (state.fails) throw new GrpcError(STATUS.unavailable, 'workload attestation failed')
      return new Set([`unix:uid:${state.image}`])
    }
    const deps = { attest, processOfPid: () => process } as unknown as WorkloadDeps
    return { state, workload: openWorkload(deps, { kind: 'pid', pid: 7 }) }
  }

  test('is described once, and again when it became another', async () => {
    const { state, workload } = opened()
    const before = await workload.look()
    assert.equal(await workload.look(), before)
    state.image = 'two'
    assert.deepEqual(await workload.look(), new Set(['unix:uid:two']))
    assert.equal(state.attested, 2)
    workload.close()
    assert.equal(state.closed, true)
  })

  test('is not found once it has ended, even while it is looked at', async () => {
    const { state, workload } = opened()
    state.fails = true
    await assert.rejects(workload.look(), is(STATUS.unavailable))
    state.alive = false
    await assert.rejects(workload.look(), is(STATUS.notFound))
    const other = opened()
    Object.assign(other.state, { fails: true })
    const looking = other.workload.look()
    other.state.alive = false
    await assert.rejects(looking, is(STATUS.notFound))
  })
})

describe('an object that is referred to', () => {
  const attestor = (type: string, findings: ObjectFindings | undefined | Error): WorkloadAttestor => ({
    type,
    attest: async () => [],
    objects: {
      attest: async () => {
        if (findings instanceof Error) throw findings
        return findings
      },
    },
  })
  const silentOn = { type: 'unix', attest: async () => [] }
  const ask = (...attestors: WorkloadAttestor[]) => openAttestObject(attestors, silent)(POD, false)

  test('is what all attestors say that know such objects', async () => {
    const found = await ask(silentOn, attestor('a', { values: ['x:1'] }), attestor('b', { values: ['y:2'] }), attestor('c', { refused: 'not mine' }))
    assert.deepEqual(found, new Set(['a:x:1', 'b:y:2']))
  })

  test('is invalid where no attestor knows such objects', async () => {
    await assert.rejects(ask(silentOn), is(STATUS.invalid))
    await assert.rejects(ask(attestor('a', { refused: 'there are none of those' })), /there are none of those/)
  })

  test('is not found where one that knows them has not got it', async () => {
    await assert.rejects(ask(attestor('a', { values: ['x:1'] }), attestor('b', undefined)), is(STATUS.notFound))
  })

  test('gives nothing where one of them could not find out', async () => {
    await assert.rejects(ask(attestor('a', { values: ['x:1'] }), attestor('b', new Error('away'))), is(STATUS.unavailable))
  })

  test('is the same as long as the same is said of it', async () => {
    let values = ['x:1', 'y:2']
    const attestObject = async () => new Set(values)
    const workload = openWorkload({ attestObject } as unknown as WorkloadDeps, { kind: 'kubernetes', object: POD })
    const before = await workload.look()
    values = ['y:2', 'x:1']
    assert.equal(await workload.look(), before)
    values = ['x:1']
    assert.notEqual(await workload.look(), before)
  })
})
