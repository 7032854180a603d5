// Why a reference leads to nothing, as brokers are told it (SPIFFE_Broker_API.md §4.8).
import { GrpcError, STATUS } from '../../wire/grpc.ts'
import { ERROR_INFO, ErrorInfo, RpcStatus } from '../../wire/rpc-status.ts'

const REFUSALS = {
  invalid: { code: STATUS.invalid, reason: 'WORKLOAD_REFERENCE_INVALID' },
  notFound: { code: STATUS.notFound, reason: 'WORKLOAD_NOT_FOUND' },
  notEntitled: { code: STATUS.denied, reason: 'WORKLOAD_NOT_ENTITLED' },
} as const

const DOMAIN = 'spiffe.io'

/** `metadata` is what the reference said, and nothing that was found out. */
export function refusal(why: keyof typeof REFUSALS, text: string, metadata: Readonly<Record<string, string>> = {}): GrpcError {
  const { code, reason } = REFUSALS[why]
  const value = ErrorInfo.encode({ reason, domain: DOMAIN, metadata })
  return new GrpcError(code, text, RpcStatus.encode({ code, message: text, details: [{ typeUrl: ERROR_INFO, value }] }))
}
