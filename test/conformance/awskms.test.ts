// The awskms seal by Amazon's own client, against moto, which answers as the service does.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { CreateAliasCommand, CreateKeyCommand, KMSClient, UpdateAliasCommand } from '@aws-sdk/client-kms'
import { openAwsKms } from '../../src/app/aws-kms.ts'
import { parseShape } from '../../src/base/fields.ts'
import { awskmsSeal, awskmsShape } from '../../src/seal/kinds/awskms.ts'
import { until } from '../processes/load.ts'
import { ask, folder, freePort, killed, productionServer } from '../support/server.ts'
import { motoMissing, startMoto } from '../support/moto.ts'

const skip = motoMissing

const REGION = 'eu-central-1'
const ALIAS = 'alias/signet'

interface Service {
  readonly endpoint: string
  /** Makes a key and lets the alias name it; returns its id. */
  newKey(): Promise<string>
}

async function service(t: TestContext): Promise<Service> {
  const endpoint = await startMoto(t)
  const client = new KMSClient({ region: REGION, endpoint, credentials: { accessKeyId: 'a', secretAccessKey: 's' } })
  let keys = 0
  return {
    endpoint,
    async newKey() {
      const id = (await client.send(new CreateKeyCommand({}))).KeyMetadata?.KeyId as string
      const alias = { AliasName: ALIAS, TargetKeyId: id }
      await client.send(keys++ === 0 ? new CreateAliasCommand(alias) : new UpdateAliasCommand(alias))
      return id
    },
  }
}

test('wraps by whatever key the alias names, and unwraps by the one that wrapped', { skip }, async (t) => {
  const { endpoint, newKey } = await service(t)
  const raw = { kms_key_id: ALIAS, region: REGION, access_key: 'a', secret_key: 's', endpoint }
  const seal = awskmsSeal(parseShape(awskmsShape, raw), openAwsKms)
  const rootKey = randomBytes(32)
  const one = await newKey()
  const first = await seal.wrap(rootKey)
  assert.ok(first.keyId.endsWith(one))
  const two = await newKey()
  const second = await seal.wrap(rootKey)
  assert.ok(second.keyId.endsWith(two))
  for (const wrapped of [first, second]) assert.deepEqual(await seal.unwrap(wrapped), rootKey)
  await assert.rejects(seal.unwrap({ ...first, text: 'AAAA' }))
  await assert.rejects(seal.unwrap({ ...first, keyId: 'none' }))
})

test('a server opens by it, with credentials from the environment', { skip }, async (t) => {
  const { endpoint, newKey } = await service(t)
  await newKey()
  const at = folder(t)
  const port = await freePort()
  const config = `seal "awskms" {\nregion = "${REGION}"\nkms_key_id = "${ALIAS}"\nendpoint = "${endpoint}"\n}\n`
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 's' })
  let server = await productionServer(t, { at, port, config })
  const { root_token: token } = (await ask(server.address, 'PUT', 'sys/init', {}, '')).body
  await killed(server.process)
  server = await productionServer(t, { at, port, config })
  await until('it is open', async () => !(await ask(server.address, 'GET', 'sys/seal-status', undefined, '')).body.sealed)
  assert.equal((await ask(server.address, 'GET', 'sys/mounts', undefined, token)).status, 200)
})
