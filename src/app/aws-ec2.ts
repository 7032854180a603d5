// EC2 and IAM by Amazon's own clients, which are loaded only where an attestor needs them.
import type { Instance } from '@aws-sdk/client-ec2'
import type { AwsAccess, Ec2Instance, OpenAws } from '../contract/aws.ts'
import { loadOptional } from './optional-package.ts'

const TIMEOUT_MS = 10_000
const ATTEMPTS = 2

export const openAws: OpenAws = async (access) => {
  const [{ EC2Client, DescribeInstancesCommand }, { IAMClient, GetInstanceProfileCommand }] = await Promise.all([
    loadOptional('@aws-sdk/client-ec2', () => import('@aws-sdk/client-ec2')),
    loadOptional('@aws-sdk/client-iam', () => import('@aws-sdk/client-iam')),
  ])
  const ec2 = new EC2Client(settingsOf(access))
  const iam = new IAMClient(settingsOf(access))
  return {
    async instance(id) {
      const alive = { Name: 'instance-state-name', Values: ['pending', 'running'] }
      const command = new DescribeInstancesCommand({ InstanceIds: [id], Filters: [alive] })
      const answer = await ec2.send(command).catch((error: Error) => {
        if (error.name.startsWith('InvalidInstanceID')) return undefined
        throw error
      })
      const found = (answer?.Reservations ?? []).flatMap(({ OwnerId, Instances = [] }) => Instances.map((one) => describe(one, OwnerId)))
      return found.length === 1 ? found[0] : undefined
    },
    async roles(profileName) {
      const { InstanceProfile } = await iam.send(new GetInstanceProfileCommand({ InstanceProfileName: profileName }))
      return (InstanceProfile?.Roles ?? []).flatMap(({ Arn }) => Arn ?? [])
    },
    close() {
      ec2.destroy()
      iam.destroy()
    },
  }
}

function settingsOf({ region, endpoint, credentials }: AwsAccess) {
  return {
    region,
    maxAttempts: ATTEMPTS,
    requestHandler: { requestTimeout: TIMEOUT_MS, connectionTimeout: TIMEOUT_MS },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
  }
}

function describe(one: Instance, ownerId: string | undefined): Ec2Instance {
  return {
    ownerId,
    tags: Object.fromEntries((one.Tags ?? []).flatMap(({ Key, Value }) => (Key === undefined || Value === undefined ? [] : [[Key, Value]]))),
    securityGroups: (one.SecurityGroups ?? []).flatMap(({ GroupId: id, GroupName: name }) => (id && name ? [{ id, name }] : [])),
    profile: one.IamInstanceProfile?.Arn,
    rootDeviceType: one.RootDeviceType,
    rootDeviceName: one.RootDeviceName,
    volumes: (one.BlockDeviceMappings ?? []).map(({ DeviceName = '', Ebs }) => ({ device: DeviceName, attachedAt: Ebs?.AttachTime?.getTime() })),
    interfaces: (one.NetworkInterfaces ?? []).map(({ Attachment }) => ({
      index: Attachment?.DeviceIndex,
      attachedAt: Attachment?.AttachTime?.getTime(),
    })),
  }
}
