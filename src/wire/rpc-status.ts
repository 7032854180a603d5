// google.rpc.Status: what an error of gRPC says besides its code and its text.
import type { ProtoFile } from './descriptors.ts'
import { bytes, int32, list, message, string, textMap } from './protobuf.ts'

/** A message with the name of its type (google.protobuf.Any). */
export const Any = message({ typeUrl: string(1), value: bytes(2) })
export const RpcStatus = message({ code: int32(1), message: string(2), details: list(3, Any) })
export const ErrorInfo = message({ reason: string(1), domain: string(2), metadata: textMap(3) })

/** @example typeUrlOf('google.rpc.ErrorInfo') // 'type.googleapis.com/google.rpc.ErrorInfo' */
export const typeUrlOf = (name: string): string => `type.googleapis.com/${name}`

export const ERROR_INFO = typeUrlOf('google.rpc.ErrorInfo')

export const ANY_FILE: ProtoFile = { name: 'google/protobuf/any.proto', package: 'google.protobuf', types: { Any } }
export const RPC_STATUS_FILE: ProtoFile = { name: 'google/rpc/status.proto', package: 'google.rpc', types: { Status: RpcStatus } }
