// Messages of Envoy's secret discovery (envoy.service.discovery.v3, …transport_sockets.tls.v3), as far as they are used here.
import { ANY_FILE, Any, RPC_STATUS_FILE, RpcStatus } from '../../wire/rpc-status.ts'
import type { ProtoFile } from '../../wire/descriptors.ts'
import { bytes, list, message, nested, oneOf, string, strings, textMap, uint32 } from '../../wire/protobuf.ts'
import { Struct, STRUCT_FILE } from '../../wire/struct.ts'

export const SERVICE = 'envoy.service.secret.v3.SecretDiscoveryService'
export const SECRET_TYPE = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret'
export const VALIDATOR_TYPE = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig'
export const VALIDATOR = 'envoy.tls.cert_validator.spiffe'

const SemanticVersion = message({ majorNumber: uint32(1), minorNumber: uint32(2) })
const BuildVersion = message({ version: nested(1, SemanticVersion) })
export const Node = message({
  id: string(1),
  cluster: string(2),
  metadata: nested(3, Struct),
  userAgentBuildVersion: oneOf('user_agent_version_type', nested(8, BuildVersion)),
})

export const DiscoveryRequest = message({
  versionInfo: string(1),
  node: nested(2, Node),
  resourceNames: strings(3),
  typeUrl: string(4),
  responseNonce: string(5),
  errorDetail: nested(6, RpcStatus),
})
export const DiscoveryResponse = message({ versionInfo: string(1), resources: list(2, Any), typeUrl: string(4), nonce: string(5) })

export const DeltaRequest = message({
  node: nested(1, Node),
  typeUrl: string(2),
  resourceNamesSubscribe: strings(3),
  resourceNamesUnsubscribe: strings(4),
  initialResourceVersions: textMap(5),
  responseNonce: string(6),
  errorDetail: nested(7, RpcStatus),
})
const Resource = message({ version: string(1), resource: nested(2, Any), name: string(3) })
export const DeltaResponse = message({
  systemVersionInfo: string(1),
  resources: list(2, Resource),
  typeUrl: string(4),
  nonce: string(5),
  removedResources: strings(6),
})

const DataSource = message({ inlineBytes: oneOf('specifier', bytes(2)) })
const TlsCertificate = message({ certificateChain: nested(1, DataSource), privateKey: nested(2, DataSource) })
const TypedExtension = message({ name: string(1), typedConfig: nested(2, Any) })
const ValidationContext = message({ trustedCa: nested(1, DataSource), crl: nested(7, DataSource), customValidatorConfig: nested(12, TypedExtension) })
export const Secret = message({
  name: string(1),
  tlsCertificate: oneOf('type', nested(2, TlsCertificate)),
  validationContext: oneOf('type', nested(4, ValidationContext)),
})
const ValidatedDomain = message({ name: string(1), trustBundle: nested(2, DataSource) })
export const SpiffeValidator = message({ trustDomains: list(1, ValidatedDomain) })

const file = (name: string, types: ProtoFile['types']): ProtoFile => ({
  name: `envoy/${name}.proto`,
  package: `envoy.${name.slice(0, name.lastIndexOf('/')).replaceAll('/', '.')}`,
  types,
})

/** Secrets too, though they travel as bytes: a client that was told of them can show them. */
export const FILES: readonly ProtoFile[] = [
  file('service/secret/v3/sds', {}),
  file('service/discovery/v3/discovery', {
    DiscoveryRequest,
    DiscoveryResponse,
    DeltaDiscoveryRequest: DeltaRequest,
    DeltaDiscoveryResponse: DeltaResponse,
    Resource,
  }),
  file('config/core/v3/base', { Node, BuildVersion, DataSource }),
  file('config/core/v3/extension', { TypedExtensionConfig: TypedExtension }),
  file('type/v3/semantic_version', { SemanticVersion }),
  file('extensions/transport_sockets/tls/v3/secret', { Secret }),
  file('extensions/transport_sockets/tls/v3/common', { TlsCertificate, CertificateValidationContext: ValidationContext }),
  file('extensions/transport_sockets/tls/v3/tls_spiffe_validator_config', {
    SPIFFECertValidatorConfig: SpiffeValidator,
    'SPIFFECertValidatorConfig.TrustDomain': ValidatedDomain,
  }),
  ANY_FILE,
  RPC_STATUS_FILE,
  STRUCT_FILE,
]
