// By what the agent proves which node it is on: the kinds of node_attestor, each the other half of the server's of that name.
import { hostname } from 'node:os'
import { joinToken, type NodeAttestation } from '../agent/attestation.ts'
import { awsIid, azureImds, gcpIit, k8sPsat } from '../agent/node/clouds.ts'
import { httpChallenge } from '../agent/node/http-challenge.ts'
import type { NodePorts } from '../agent/node/ports.ts'
import { sshpop } from '../agent/node/sshpop.ts'
import { tpmDevId } from '../agent/node/tpm-devid.ts'
import { x509pop } from '../agent/node/x509pop.ts'
import { int, or, secret, text } from '../base/fields.ts'
import { openDoor } from './agent-door.ts'
import { readBytes, readText } from './agent-files.ts'
import { type AttestorKind, kind } from './agent-kinds.ts'
import { refuse } from './config/stanza.ts'
import { sendOutbound } from './outbound.ts'
import { random } from './ports.ts'
import { openTpm } from './tpm-link.ts'

const ports: NodePorts = { random, readText, readBytes, outbound: sendOutbound, openDoor, openTpm }
/** Where machines of Amazon's and Microsoft's clouds ask for what is known of them. */
const METADATA = 'http://169.254.169.254'
const HOST_KEY = '/etc/ssh/ssh_host_rsa_key'

const password = (of: string) => or(secret(text(`Password of ${of}.`)), '')

/** By the label of node_attestor. */
export const NODE_ATTESTORS: Readonly<Record<string, AttestorKind<NodeAttestation>>> = {
  join_token: kind(
    'A token that works once.',
    { token: or(secret(text('The token.')), ''), token_file: or(text('File with the token, in place of the token itself.'), '') },
    ({ token, token_file: file }, block) => {
      if ((token === '') === (file === '')) throw refuse(block, 'node_attestor "join_token" needs either token or token_file')
      return joinToken(() => (file === '' ? token : readText(file).trim()))
    },
  ),
  x509pop: kind(
    'Possession of the key of an X.509 certificate.',
    {
      private_key_path: text('PEM file of the key.'),
      certificate_path: text('PEM file of the certificate, and maybe of those above it.'),
      intermediates_path: or(text('PEM file of more certificates above it.'), ''),
    },
    ({ private_key_path: key, certificate_path: certificate, intermediates_path: intermediates }) =>
      x509pop(ports, { key, certificate, intermediates }),
  ),
  sshpop: kind(
    'Possession of the key of an OpenSSH host certificate.',
    { host_key_path: or(text('File of the host key.'), HOST_KEY), host_cert_path: or(text('File of its certificate.'), `${HOST_KEY}-cert.pub`) },
    ({ host_key_path: key, host_cert_path: certificate }) => sshpop(ports, { key, certificate }),
  ),
  http_challenge: kind(
    'Answering by HTTP under a name.',
    {
      hostname: or(text('The name, in lower case; that of the machine, unless given.'), ''),
      agentname: or(text('Tells agents apart that answer behind one address.'), 'default'),
      port: or(int('Where to listen; 0 for any free port.'), 0),
      advertised_port: or(int('Where the server asks, where something stands between; 0 for the same.'), 0),
    },
    ({ hostname: name, agentname, port, advertised_port: advertisedPort }) =>
      httpChallenge(ports, { hostname: name || hostname().toLowerCase(), agentname, port, advertisedPort }),
  ),
  k8s_psat: kind(
    'A token that Kubernetes made for the pod of the agent.',
    {
      cluster: text('Name of the cluster, as the server knows it.'),
      token_path: or(text('File of the token.'), '/var/run/secrets/tokens/spire-agent'),
    },
    ({ cluster, token_path: tokenPath }) => k8sPsat(ports, cluster, tokenPath),
  ),
  aws_iid: kind(
    'The identity document of an instance of Amazon EC2.',
    { ec2_metadata_endpoint: or(text('URL of the metadata service.'), METADATA) },
    ({ ec2_metadata_endpoint: endpoint }) => awsIid(ports, endpoint),
  ),
  azure_imds: kind(
    'The attested document of a machine of Azure.',
    {
      tenant_domain: or(text('Domain of the tenant, for servers that ask for it; Signet does not.'), ''),
      metadata_endpoint: or(text('URL of the metadata service.'), METADATA),
    },
    ({ tenant_domain: tenant, metadata_endpoint: endpoint }) => azureImds(ports, endpoint, tenant),
  ),
  gcp_iit: kind(
    'The identity token of an instance of Google Cloud.',
    {
      service_account: or(text('Whose token it is.'), 'default'),
      identity_token_host: or(text('Host of the metadata service.'), 'metadata.google.internal'),
    },
    ({ service_account: account, identity_token_host: host }) => gcpIit(ports, `http://${host}`, account),
  ),
  tpm_devid: kind(
    'A device identity whose key lies in a TPM.',
    {
      devid_cert_path: text('PEM file of the certificate of the device, and maybe of those above it.'),
      devid_pub_path: text('File of the public area of its key.'),
      devid_priv_path: text('File of the private area of its key.'),
      tpm_device_path: or(text('Device of the TPM, or the socket of one in software.'), '/dev/tpmrm0'),
      devid_password: password('that key'),
      owner_hierarchy_password: password('the owner hierarchy'),
      endorsement_hierarchy_password: password('the endorsement hierarchy'),
    },
    (values) =>
      tpmDevId(ports, {
        device: values.tpm_device_path,
        certificate: values.devid_cert_path,
        publicArea: values.devid_pub_path,
        privateArea: values.devid_priv_path,
        passwords: { key: values.devid_password, owner: values.owner_hierarchy_password, endorsement: values.endorsement_hierarchy_password },
      }),
  ),
}
