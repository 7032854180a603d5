// What clients that know nothing of a service are told of it: file descriptors (descriptor.proto), made from what is declared and served.
import type { Services } from './grpc.ts'
import { blobs, bool, int32, list, message, nested, oneOf, string, strings } from './protobuf.ts'
import type { Declared, Enumeration, FieldShape } from './shape.ts'

/** A .proto file: the names of what is declared in it. The services of its package are its own. */
export interface ProtoFile {
  /** As others import it. */
  readonly name: string
  /** Empty for none. */
  readonly package: string
  /** By name within the package: `Outer.Inner` for one in another. */
  readonly types: Readonly<Record<string, Declared | Enumeration>>
}

/** Files in bytes, found by what is in them. */
export interface Descriptors {
  /** A file and after it all that it needs; undefined where there is none of that name. */
  ofFile(name: string): readonly Buffer[] | undefined
  /** The same of the file that holds what has this full name. */
  ofSymbol(name: string): readonly Buffer[] | undefined
  isMessage(name: string): boolean
}

const LABEL = { OPTIONAL: 1, REPEATED: 3 }
/** FieldDescriptorProto.Type. */
const TYPE = { double: 1, int64: 3, uint64: 4, int32: 5, bool: 8, string: 9, map: 11, message: 11, bytes: 12, uint32: 13, enum: 14 } as const

const FieldDescriptor = message({
  name: string(1),
  number: int32(3),
  label: int32(4),
  type: int32(5),
  typeName: string(6),
  oneofIndex: oneOf('_oneof_index', int32(9)),
  jsonName: string(10),
})
const OneofDescriptor = message({ name: string(1) })
const EnumValueDescriptor = message({ name: string(1), number: oneOf('_number', int32(2)) })
const EnumDescriptor = message({ name: string(1), value: list(2, EnumValueDescriptor) })
const MessageOptions = message({ mapEntry: bool(7) })
/** `nestedType` holds the same again, encoded. */
const MessageDescriptor = message({
  name: string(1),
  field: list(2, FieldDescriptor),
  nestedType: blobs(3),
  enumType: list(4, EnumDescriptor),
  options: nested(7, MessageOptions),
  oneofDecl: list(8, OneofDescriptor),
})
const MethodDescriptor = message({
  name: string(1),
  inputType: string(2),
  outputType: string(3),
  clientStreaming: bool(5),
  serverStreaming: bool(6),
})
const ServiceDescriptor = message({ name: string(1), method: list(2, MethodDescriptor) })
const FileDescriptor = message({
  name: string(1),
  package: string(2),
  dependency: strings(3),
  messageType: blobs(4),
  enumType: list(5, EnumDescriptor),
  service: list(6, ServiceDescriptor),
  syntax: string(12),
})

/** Throws where a service has no file of its package, or a message of it, or one within that, has no name in any file. */
export function describeServices(services: Services, files: readonly ProtoFile[]): Descriptors {
  const names = namesOf(files)
  const homes = Map.groupBy(Object.entries(services), ([name]) => homeOf(name, files))
  const made = files.map((file) => describeFile(file, homes.get(file) ?? [], names))
  const byName = new Map(made.map((one) => [one.name, one]))
  const bySymbol = new Map(made.flatMap(({ name, symbols }) => [...symbols].map((symbol) => [symbol, name])))

  function ofFile(name: string): Buffer[] | undefined {
    if (!byName.has(name)) return undefined
    const reached = new Set([name])
    for (const one of reached) for (const needed of byName.get(one)?.needs ?? []) reached.add(needed)
    return [...reached].flatMap((one) => byName.get(one)?.bytes ?? [])
  }

  return {
    ofFile,
    ofSymbol: (name) => ofFile(bySymbol.get(name) ?? ''),
    isMessage: (name) => made.some(({ messages }) => messages.has(name)),
  }
}

type Type = Declared | Enumeration
type Names = ReadonlyMap<Type, { readonly file: string; readonly fullName: string }>

/** Of `a.b.c`, `a.b` and `c`. */
function split(name: string): readonly [string, string] {
  const cut = name.lastIndexOf('.')
  return [name.slice(0, Math.max(0, cut)), name.slice(cut + 1)]
}

const within = (outer: string, name: string): string => (outer === '' ? name : `${outer}.${name}`)
const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
const isDeclared = (type: Type): type is Declared => typeof type['shape'] === 'function'

function namesOf(files: readonly ProtoFile[]): Names {
  return new Map(
    files.flatMap((file) => Object.entries(file.types).map(([name, type]) => [type, { file: file.name, fullName: within(file.package, name) }])),
  )
}

/** The first file of its package. */
function homeOf(service: string, files: readonly ProtoFile[]): ProtoFile {
  const found = files.find((file) => file.package === split(service)[0])
  if (!found) throw new Error(`${service} has no file`)
  return found
}

/** A file in the making. */
interface Making {
  readonly file: ProtoFile
  readonly names: Names
  /** Files that it refers to. */
  readonly needs: Set<string>
  /** Full names of all that is in it. */
  readonly symbols: Set<string>
  readonly messages: Set<string>
}

function describeFile(file: ProtoFile, services: readonly [string, Services[string]][], names: Names) {
  const making: Making = { file, names, needs: new Set(), symbols: new Set(), messages: new Set() }
  const { needs, symbols, messages } = making
  const content = { service: services.map((one) => describeService(making, one)), ...describeTypes(making, '') }
  const { messageType, enumType, service } = content
  const bytes = FileDescriptor.encode({
    ...{ name: file.name, package: file.package, syntax: 'proto3' },
    ...{ messageType, enumType, service, dependency: [...needs] },
  })
  return { name: file.name, bytes, needs, symbols, messages }
}

function describeService(making: Making, [fullName, methods]: [string, Services[string]]) {
  making.symbols.add(fullName)
  const method = Object.entries(methods).map(([name, { kind, request, response }]) => {
    const symbol = within(fullName, name)
    making.symbols.add(symbol)
    return {
      name,
      inputType: refer(making, request, `the request of ${symbol}`),
      outputType: refer(making, response, `the response of ${symbol}`),
      clientStreaming: kind === 'stream',
      serverStreaming: kind !== 'unary',
    }
  })
  return { name: split(fullName)[1], method }
}

/** How a type is called by who refers to it in this file. */
function refer({ file, names, needs }: Making, type: Type, from: string): string {
  const found = names.get(type)
  if (!found) throw new Error(`${from} is of a type that has no name in any file`)
  if (found.file !== file.name) needs.add(found.file)
  return `.${found.fullName}`
}

/** What lies in a message of this name; in the file itself where it is empty. */
function describeTypes(making: Making, outer: string) {
  const { file, symbols } = making
  const messageType: Buffer[] = []
  const enumType: { name: string; value: { name: string; number: number }[] }[] = []
  for (const [path, type] of Object.entries(file.types)) {
    const [around, name] = split(path)
    if (around !== outer) continue
    if (isDeclared(type)) {
      messageType.push(describeMessage(making, path, type.shape()))
      continue
    }
    // The values of an enumeration lie beside it, and not in it.
    for (const one of [name, ...Object.keys(type)]) symbols.add(within(file.package, within(outer, one)))
    enumType.push({ name, value: Object.entries(type).map(([one, number]) => ({ name: one, number })) })
  }
  return { messageType, enumType }
}

function describeMessage(making: Making, path: string, shape: Readonly<Record<string, FieldShape>>, mapEntry = false): Buffer {
  const fullName = within(making.file.package, path)
  making.symbols.add(fullName)
  making.messages.add(fullName)
  const oneofs = [...new Set(Object.values(shape).flatMap(({ oneof }) => oneof ?? []))]
  const maps: Buffer[] = []
  const field = Object.entries(shape).map(([jsonName, { number, kind, repeated, oneof }]) => {
    const name = snakeCase(jsonName)
    const symbol = within(fullName, name)
    making.symbols.add(symbol)
    const entry = `${path}.${jsonName.charAt(0).toUpperCase()}${jsonName.slice(1)}Entry`
    if (kind.type === 'map') maps.push(describeMessage(making, entry, kind.of.shape(), true))
    return {
      ...{ name, jsonName, number, type: TYPE[kind.type] },
      label: repeated || kind.type === 'map' ? LABEL.REPEATED : LABEL.OPTIONAL,
      typeName: kind.type === 'map' ? `.${within(making.file.package, entry)}` : 'of' in kind ? refer(making, kind.of, symbol) : '',
      oneofIndex: oneof === undefined ? undefined : oneofs.indexOf(oneof),
    }
  })
  const { messageType, enumType } = describeTypes(making, path)
  const oneofDecl = oneofs.map((name) => ({ name }))
  const options = mapEntry ? { mapEntry } : undefined
  return MessageDescriptor.encode({ name: split(path)[1], field, nestedType: [...maps, ...messageType], enumType, oneofDecl, options })
}
