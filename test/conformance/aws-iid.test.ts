// The aws_iid attestor with Amazon's own clients, against moto, which answers as EC2 and IAM do.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { CreateSecurityGroupCommand, DescribeInstancesCommand, EC2Client, RunInstancesCommand, TerminateInstancesCommand } from '@aws-sdk/client-ec2'
import { AddRoleToInstanceProfileCommand, CreateInstanceProfileCommand, CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam'
import { openAws } from '../../src/app/aws-ec2.ts'
import { awsIid } from '../../src/attest/node/aws-iid.ts'
import { attestBy } from '../../src/testing/attestation.ts'
import { settableClock } from '../../src/testing/clock.ts'
import { folder } from '../support/server.ts'
import { motoMissing, startMoto } from '../support/moto.ts'

const skip = motoMissing

const REGION = 'eu-central-1'

test('EC2 and IAM tell of an instance what becomes its selectors, as long as it runs', { skip }, async (t) => {
  const endpoint = await startMoto(t)
  const client = { region: REGION, endpoint, credentials: { accessKeyId: 'a', secretAccessKey: 's' } }
  const ec2 = new EC2Client(client)
  const iam = new IAMClient(client)
  await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: 'agents' }))
  await iam.send(new CreateRoleCommand({ RoleName: 'agent', AssumeRolePolicyDocument: '{}' }))
  await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: 'agents', RoleName: 'agent' }))
  const { GroupId } = await ec2.send(new CreateSecurityGroupCommand({ GroupName: 'web', Description: 'web' }))
  const made = await ec2.send(
    new RunInstancesCommand({
      ImageId: 'ami-12c6146b',
      MinCount: 1,
      MaxCount: 1,
      SecurityGroupIds: [GroupId as string],
      IamInstanceProfile: { Name: 'agents' },
      TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'Name', Value: 'web-1' }] }],
    }),
  )
  const id = made.Instances?.[0]?.InstanceId as string
  const found = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }))
  const account = found.Reservations?.[0]?.OwnerId as string

  const at = folder(t)
  const file = (name: string) => join(at, name)
  const keys = ['-keyout', file('key'), '-out', file('certificate')]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...keys, '-subj', '/CN=aws'], { stdio: 'ignore' })
  const document = { accountId: account, region: REGION, availabilityZone: `${REGION}a`, instanceId: id, imageId: 'ami-12c6146b' }
  writeFileSync(file('document'), JSON.stringify(document))
  const signer = ['-signer', file('certificate'), '-inkey', file('key'), '-in', file('document')]
  const signed = execFileSync('openssl', ['smime', '-sign', '-nodetach', '-binary', '-nocerts', '-outform', 'DER', ...signer])
  const attest = () =>
    attestBy(awsIid, {
      settings: {
        certificates: readFileSync(file('certificate'), 'utf8'),
        access_key_id: 'a',
        secret_access_key: 's',
        endpoint,
        skip_block_device: true, // moto attaches interfaces in 2015
      },
      payload: { document: '', signature: '', rsa2048: signed.toString('base64') },
      ctx: { openAws, clock: settableClock(Date.now() + 60_000) },
    })

  const { path, selectors } = await attest()
  assert.equal(path, `${account}/${REGION}/${id}`)
  for (const one of [`account_id:${account}`, 'tag:Name:web-1', `sg:id:${GroupId}`, 'sg:name:web', `iamrole:arn:aws:iam::${account}:role/agent`]) {
    assert.ok(selectors.includes(one), `${one} is not among ${selectors.join(', ')}`)
  }
  await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }))
  await assert.rejects(attest(), /EC2 knows of no instance/)
})
