// The node attestors that are built in, besides join tokens: to have one more, add a line.
import type { NodeAttestor } from '../../contract/attestor.ts'
import { awsIid } from './aws-iid.ts'
import { azureImds } from './azure-imds.ts'
import { gcpIit } from './gcp-iit.ts'
import { httpChallenge } from './http-challenge.ts'
import { k8sPsat } from './k8s-psat.ts'
import { sshpop } from './sshpop.ts'
import { tpmDevId } from './tpm-devid.ts'
import { x509pop } from './x509pop.ts'

export const NODE_ATTESTORS: readonly NodeAttestor[] = [awsIid, azureImds, gcpIit, httpChallenge, k8sPsat, sshpop, tpmDevId, x509pop]
