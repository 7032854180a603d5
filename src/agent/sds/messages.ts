// Messages of Envoy's secret discovery (envoy.service.discovery.v3, …transport_sockets.tls.v3), as far as they are used here.
import { bytes, int32, list, message, nested, string, strings, textMap } from '../../wire/protobuf.ts'
import { Struct } from '../../wire/struct.ts'

export const SERVICE = 'envoy.service.secret.v3.SecretDiscoveryService'
export const SECRET_TYPE = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret'
export const VALIDATOR_TYPE = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig'
export const VALIDATOR = 'envoy.tls.cert_validator.spiffe'

const Any = message({ typeUrl: string(1), value: bytes(2) })
const RpcStatus = message({ code: int32(1), message: string(2) })
const SemanticVersion = message({ major: int32(1), minor: int32(2) })
const BuildVersion = message({ version: nested(1, SemanticVersion) })
export const Node = message({ metadata: nested(3, Struct), buildVersion: nested(8, BuildVersion) })

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
  subscribe: strings(3),
  unsubscribe: strings(4),
  initialVersions: textMap(5),
  responseNonce: string(6),
  errorDetail: nested(7, RpcStatus),
})
const Resource = message({ version: string(1), resource: nested(2, Any), name: string(3) })
export const DeltaResponse = message({
  systemVersion: string(1),
  resources: list(2, Resource),
  typeUrl: string(4),
  nonce: string(5),
  removed: strings(6),
})

const DataSource = message({ inlineBytes: bytes(2) })
const TlsCertificate = message({ certificateChain: nested(1, DataSource), privateKey: nested(2, DataSource) })
const TypedExtension = message({ name: string(1), typedConfig: nested(2, Any) })
const ValidationContext = message({ trustedCa: nested(1, DataSource), customValidatorConfig: nested(12, TypedExtension) })
export const Secret = message({ name: string(1), tlsCertificate: nested(2, TlsCertificate), validationContext: nested(4, ValidationContext) })
const ValidatedDomain = message({ name: string(1), trustBundle: nested(2, DataSource) })
export const SpiffeValidator = message({ trustDomains: list(1, ValidatedDomain) })
