// grpcurl's own library, unchanged, finds out by reflection what an agent serves, and uses what it found out.
import { join } from 'node:path'
import { test } from 'node:test'
import { openServedNode } from '../../src/testing/served-node.ts'
import { goProgram, run } from '../support/tools.ts'

test('what an agent tells of its services is what everybody compiled', async (t) => {
  const program = await goProgram(join(import.meta.dirname, 'reflection'), 'reflection-check')
  if ('missing' in program) return t.skip(program.missing)
  const node = await openServedNode()
  t.after(() => node.close())
  await node.begin('/me')
  await run(program.path, [node.parts.socket.path, node.parts.adminSocket?.path ?? ''])
})
