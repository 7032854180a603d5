// gRPC server reflection, versions 1 and 1alpha, which are the same under two names: clients ask what is served here, and how to speak to it.
import { describeServices, type Descriptors, type ProtoFile } from './descriptors.ts'
import { GrpcError, type Services, STATUS, stream } from './grpc.ts'
import { blobs, int32, int32s, list, message, nested, type Of, oneOf, string } from './protobuf.ts'

const PACKAGES = ['grpc.reflection.v1', 'grpc.reflection.v1alpha'] as const
const SERVICE = 'ServerReflection'

/**
 * These services, and reflection beside them. `files` name their messages, and what those hold.
 * Throws for a message that has no name.
 */
export function withReflection(services: Services, files: readonly ProtoFile[]): Services {
  const versions = PACKAGES.map(reflectionIn)
  const served = { ...services, ...Object.fromEntries(versions.map(({ service, method }) => [service, method(answer)])) }
  const names = Object.keys(served).sort()
  const descriptors = describeServices(served, [...new Set([...files, ...versions.map(({ file }) => file)])])

  function answer(request: Request): Response {
    return { validHost: request.host, originalRequest: request, ...answerTo(request, names, descriptors) }
  }
  return served
}

/** The messages of one version: each has its own, by whose names clients know them. */
function reflectionIn(name: string) {
  const Extension = message({ containingType: string(1), extensionNumber: int32(2) })
  const asked = 'message_request'
  const Request = message({
    host: string(1),
    fileByFilename: oneOf(asked, string(3)),
    fileContainingSymbol: oneOf(asked, string(4)),
    fileContainingExtension: oneOf(asked, nested(5, Extension)),
    allExtensionNumbersOfType: oneOf(asked, string(6)),
    listServices: oneOf(asked, string(7)),
  })
  const Files = message({ fileDescriptorProto: blobs(1) })
  const ExtensionNumbers = message({ baseTypeName: string(1), extensionNumber: int32s(2) })
  const Service = message({ name: string(1) })
  const ServiceList = message({ service: list(1, Service) })
  const Problem = message({ errorCode: int32(1), errorMessage: string(2) })
  const answered = 'message_response'
  const Response = message({
    validHost: string(1),
    originalRequest: nested(2, Request),
    fileDescriptorResponse: oneOf(answered, nested(4, Files)),
    allExtensionNumbersResponse: oneOf(answered, nested(5, ExtensionNumbers)),
    listServicesResponse: oneOf(answered, nested(6, ServiceList)),
    errorResponse: oneOf(answered, nested(7, Problem)),
  })
  const types = {
    ServerReflectionRequest: Request,
    ServerReflectionResponse: Response,
    ExtensionRequest: Extension,
    FileDescriptorResponse: Files,
    ExtensionNumberResponse: ExtensionNumbers,
    ListServiceResponse: ServiceList,
    ServiceResponse: Service,
    ErrorResponse: Problem,
  }
  const file: ProtoFile = { name: `${name.replaceAll('.', '/')}/reflection.proto`, package: name, types }

  function method(answer: (request: Of<typeof Request>) => Partial<Of<typeof Response>>): Services[string] {
    return {
      ServerReflectionInfo: stream(Request, Response, async function* (_, requests) {
        for await (const request of requests) yield answer(request)
      }),
    }
  }
  return { service: `${name}.${SERVICE}`, file, method }
}

type Method = Parameters<ReturnType<typeof reflectionIn>['method']>[0]
type Request = Parameters<Method>[0]
type Response = ReturnType<Method>

function answerTo(request: Request, services: readonly string[], descriptors: Descriptors): Response {
  const { fileByFilename: file, fileContainingSymbol: symbol, fileContainingExtension: extension, allExtensionNumbersOfType: type } = request
  if (file !== undefined) return filesOr(descriptors.ofFile(file), `there is no file ${file}`)
  if (symbol !== undefined) return filesOr(descriptors.ofSymbol(symbol), `there is nothing named ${symbol}`)
  if (extension) return missing(`${extension.containingType ?? ''} has no extension ${extension.extensionNumber ?? 0}`)
  if (type !== undefined) {
    return descriptors.isMessage(type) ? { allExtensionNumbersResponse: { baseTypeName: type } } : missing(`there is no message ${type}`)
  }
  if (request.listServices !== undefined) return { listServicesResponse: { service: services.map((name) => ({ name })) } }
  throw new GrpcError(STATUS.invalid, 'the request asks for nothing')
}

function filesOr(found: readonly Buffer[] | undefined, otherwise: string): Response {
  return found ? { fileDescriptorResponse: { fileDescriptorProto: [...found] } } : missing(otherwise)
}

const missing = (text: string): Response => ({ errorResponse: { errorCode: STATUS.notFound, errorMessage: text } })
