// The server's own service account, where it runs in a pod: what Kubernetes puts into each, at fixed places.
import { readFileSync } from 'node:fs'
import type { ServiceAccount } from '../contract/attestor.ts'

const FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount'
const ADDRESS = 'https://kubernetes.default.svc'

export function serviceAccount(): ServiceAccount | undefined {
  try {
    return { address: ADDRESS, token: readFileSync(`${FOLDER}/token`, 'utf8').trim(), ca: readFileSync(`${FOLDER}/ca.crt`, 'utf8') }
  } catch {
    return undefined
  }
}
