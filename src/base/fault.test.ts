import assert from 'node:assert/strict'
import { test } from 'node:test'
import { coreFault, FAULTS, Fault, type FaultCode, permissionDenied } from './fault.ts'

test('each code has a status of its class', () => {
  for (const [code, status] of Object.entries(FAULTS)) {
    assert.equal(new Fault(code as FaultCode).status, status)
    assert.ok(status >= 400 && status <= 599)
  }
})

test('the client reads the errors and nothing else', () => {
  assert.deepEqual(new Fault('invalid', 'a', 'b').errors, ['a', 'b'])
  assert.equal(new Fault('invalid', 'a', 'b').message, 'a; b')
  assert.deepEqual(new Fault('missing').errors, [])
})

test('faults of the request line are worded as Vault’s', () => {
  assert.deepEqual(permissionDenied().errors, ['1 error occurred:\n\t* permission denied\n\n'])
  assert.deepEqual(coreFault('denied', 'a', 'b').errors, ['2 errors occurred:\n\t* a\n\t* b\n\n'])
})
