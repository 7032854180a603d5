// `seal "awskms"`: a key in AWS KMS, which never gives it out.
import { Fault } from '../../base/fault.ts'
import { or, secret, text, type Values } from '../../base/fields.ts'
import { KEY_BYTES } from '../keyring.ts'
import type { Wrapper } from '../wrapper.ts'

export const awskmsShape = {
  kms_key_id: text('Id, ARN or alias of the key.'),
  region: or(text('Region of the key; as AWS tools find it, unless given, or us-east-1.'), ''),
  access_key: secret(or(text('Access key; credentials as AWS tools find them, unless given.'), '')),
  secret_key: secret(or(text('Secret of the access key.'), '')),
  session_token: secret(or(text('Token of temporary credentials.'), '')),
  endpoint: or(text('URL of the service, where it is not the public one of the region.'), ''),
}

/** Environment variables, by the parameters that they stand in for; credentials and region are found by the client itself. */
export const awskmsEnv = {
  kms_key_id: ['BAO_AWSKMS_SEAL_KEY_ID', 'VAULT_AWSKMS_SEAL_KEY_ID'],
  endpoint: ['AWS_KMS_ENDPOINT'],
}

export interface KmsSettings {
  readonly region: string | undefined
  readonly endpoint: string | undefined
  /** Undefined to find them as AWS tools do: environment, shared files, web identity, container, instance. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string } | undefined
}

/** The two calls of the service that it takes. */
export interface Kms {
  encrypt(keyId: string, plaintext: Uint8Array): Promise<{ readonly keyId: string; readonly ciphertext: Uint8Array }>
  decrypt(keyId: string, ciphertext: Uint8Array): Promise<Uint8Array>
}

/** `open` loads the client when it is first needed. Throws `invalid` for parameters that can't be used. */
export function awskmsSeal(values: Values<typeof awskmsShape>, open: (settings: KmsSettings) => Promise<Kms>): Wrapper {
  const settings = settle(values)
  let opened: Promise<Kms> | undefined
  const kms = () => {
    opened ??= open(settings)
    return opened
  }
  return {
    type: 'awskms',
    async wrap(key) {
      const { keyId, ciphertext } = await (await kms()).encrypt(values.kms_key_id, key)
      return { keyId, text: Buffer.from(ciphertext).toString('base64') }
    },
    async unwrap({ keyId, text: wrapped }) {
      const key = await (await kms()).decrypt(keyId, Buffer.from(wrapped, 'base64'))
      if (key.length !== KEY_BYTES) throw new Error('the plaintext has another length than it was given')
      return Buffer.from(key.buffer, key.byteOffset, key.length)
    },
  }
}

function settle(values: Values<typeof awskmsShape>): KmsSettings {
  const { region, access_key: accessKeyId, secret_key: secretAccessKey, session_token: sessionToken, endpoint } = values
  if ((accessKeyId === '') !== (secretAccessKey === '')) throw new Fault('invalid', 'access_key and secret_key are needed together, or neither')
  if (sessionToken !== '' && accessKeyId === '') throw new Fault('invalid', 'session_token needs access_key and secret_key')
  if (endpoint !== '' && !/^https?:/.test(URL.parse(endpoint)?.protocol ?? '')) throw new Fault('invalid', 'endpoint must be a URL: https://…')
  return {
    region: region || undefined,
    endpoint: endpoint || undefined,
    credentials: accessKeyId === '' ? undefined : { accessKeyId, secretAccessKey, ...(sessionToken === '' ? {} : { sessionToken }) },
  }
}
