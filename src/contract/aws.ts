// What AWS is asked about a machine: by its own client, which only app/ loads.

/** How to ask. */
export interface AwsAccess {
  readonly region: string
  /** URL of the service, where it is not the public one of the region. */
  readonly endpoint: string | undefined
  /** Undefined to find them as AWS tools do. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined
}

/** Times in milliseconds; undefined where AWS says nothing. */
export interface Ec2Instance {
  /** The account that it belongs to. */
  readonly ownerId: string | undefined
  readonly tags: Readonly<Record<string, string>>
  readonly securityGroups: readonly { readonly id: string; readonly name: string }[]
  /** ARN of its instance profile. */
  readonly profile: string | undefined
  readonly rootDeviceType: string | undefined
  readonly rootDeviceName: string | undefined
  readonly volumes: readonly { readonly device: string; readonly attachedAt: number | undefined }[]
  readonly interfaces: readonly { readonly index: number | undefined; readonly attachedAt: number | undefined }[]
}

export interface Aws {
  /** One that is starting or running; undefined where there is none of this id for us. Rejects where nobody answers. */
  instance(id: string): Promise<Ec2Instance | undefined>
  /** ARNs of the roles of an instance profile. */
  roles(profileName: string): Promise<string[]>
  /** Lets go of its connections. */
  close(): void
}

export type OpenAws = (access: AwsAccess) => Promise<Aws>
