import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import protobuf from 'protobufjs'
import descriptor from 'protobufjs/ext/descriptor/index.js'
import { ANY_FILE, Any, RPC_STATUS_FILE, RpcStatus } from './rpc-status.ts'
import { type Call, feed, GrpcError, STATUS, type Services, stream, unary } from './grpc.ts'
import { bool, byteMap, bytes, enumeration, int32, int64, list, message, nested, type Of, oneOf, string, strings, uint32 } from './protobuf.ts'
import { withReflection } from './reflection.ts'
import { Struct, STRUCT_FILE } from './struct.ts'

const Colour = { BLUE: 0, RED: 2 }
const Part = message({ lengthInMm: uint32(1), extra: nested(2, Any) })
const Question = message({ ids: strings(1), claims: nested(2, Struct), tone: enumeration(3, Colour) })
const Answer = message({
  parts: list(1, Part),
  table: byteMap(2),
  found: oneOf('outcome', bool(3)),
  problem: oneOf('outcome', nested(4, RpcStatus)),
  at: int64(5),
  raw: bytes(6),
})

const FILE = { name: 'shop/v1/shop.proto', package: 'shop.v1', types: { Question, 'Question.Colour': Colour, Answer, 'Answer.Part': Part } }
const services: Services = {
  'shop.v1.Shop': {
    One: unary(Question, Answer, async () => ({})),
    Many: feed(Question, Answer, async function* () {}),
    Talk: stream(Question, Answer, async function* () {}),
  },
}
const FILES = [ANY_FILE, RPC_STATUS_FILE, STRUCT_FILE, FILE, FILE]

const Reply = message({
  files: nested(4, message({ list: list(1, message({ name: string(1) })) })),
  numbers: nested(5, message({ type: string(1) })),
  services: nested(6, message({ list: list(1, message({ name: string(1) })) })),
  error: nested(7, message({ code: int32(1), text: string(2) })),
})

type Asked = Partial<Record<'fileByFilename' | 'fileContainingSymbol' | 'allExtensionNumbersOfType' | 'listServices', string>> & {
  fileContainingExtension?: object
}

/** What one version answers, read by other declarations than it was written by. */
async function ask(asked: Asked, version = 'v1') {
  const method = withReflection(services, FILES)[`grpc.reflection.${version}.ServerReflection`]?.['ServerReflectionInfo']
  assert.ok(method && method.kind === 'stream')
  async function* once() {
    yield asked as never
  }
  for await (const answer of method.run({} as Call, once())) return { reply: Reply.decode(method.response.encode(answer as object)), answer }
  throw new Error('no answer')
}

const filesFor = async (asked: Asked) => ((await ask(asked)).reply.files?.list ?? []).map(({ name = '' }) => name)

/** All that is told of a symbol, as another implementation understands it. */
async function rootFor(symbol: string): Promise<protobuf.Root> {
  const { answer } = await ask({ fileContainingSymbol: symbol })
  const { fileDescriptorResponse: found } = answer as { fileDescriptorResponse: { fileDescriptorProto: Buffer[] } }
  const set = { file: found.fileDescriptorProto.map((one) => descriptor.FileDescriptorProto.decode(one)) }
  const root = (protobuf.Root as unknown as { fromDescriptor(set: object): protobuf.Root }).fromDescriptor(set)
  root.resolveAll()
  return root
}

describe('reflection', () => {
  test('all that is served is listed, under either version', async () => {
    for (const version of ['v1', 'v1alpha']) {
      const { reply } = await ask({ listServices: '' }, version)
      assert.deepEqual(
        reply.services?.list?.map(({ name }) => name),
        ['grpc.reflection.v1.ServerReflection', 'grpc.reflection.v1alpha.ServerReflection', 'shop.v1.Shop'],
      )
    }
  })

  test('a file is found by whatever is in it, and brings those that it needs', async () => {
    const symbols = [
      'Shop',
      'Shop.Talk',
      'Question',
      'Question.ids',
      'Question.Colour',
      'Question.RED',
      'Answer.Part.length_in_mm',
      'Answer.TableEntry',
    ]
    const needed = ['google/protobuf/any.proto', 'google/protobuf/struct.proto', 'google/rpc/status.proto']
    for (const symbol of symbols) {
      const [first, ...rest] = await filesFor({ fileContainingSymbol: `shop.v1.${symbol}` })
      assert.deepEqual([first, rest.toSorted()], ['shop/v1/shop.proto', needed], symbol)
    }
    assert.deepEqual(await filesFor({ fileByFilename: 'google/rpc/status.proto' }), ['google/rpc/status.proto', 'google/protobuf/any.proto'])
    assert.deepEqual(await filesFor({ fileContainingSymbol: 'grpc.reflection.v1alpha.ErrorResponse.error_code' }), [
      'grpc/reflection/v1alpha/reflection.proto',
    ])
  })

  test('what there is not is an answer like any other', async () => {
    const unknown: Asked[] = [
      { fileByFilename: 'shop.proto' },
      { fileContainingSymbol: 'shop.v1' },
      { fileContainingSymbol: '' },
      { fileContainingExtension: { containingType: 'shop.v1.Question', extensionNumber: 100 } },
      { allExtensionNumbersOfType: 'shop.v1.Question.ids' },
    ]
    for (const asked of unknown) assert.equal((await ask(asked)).reply.error?.code, STATUS.notFound, JSON.stringify(asked))
    assert.deepEqual((await ask({ allExtensionNumbersOfType: 'shop.v1.Answer.Part' })).reply.numbers, { type: 'shop.v1.Answer.Part' })
    await assert.rejects(ask({}), (error) => error instanceof GrpcError && error.code === STATUS.invalid)
  })

  test('others read by it what is written here', async () => {
    const root = await rootFor('shop.v1.Shop')
    const value: Partial<Of<typeof Answer>> = {
      parts: [{ lengthInMm: 4_000_000_000 }, { extra: { typeUrl: 'x', value: Buffer.from('any') } }],
      table: { key: Buffer.from('value') },
      problem: { code: 5, details: [{ typeUrl: 'y' }] },
      at: 2 ** 40,
      raw: Buffer.from([0, 255]),
    }
    const type = root.lookupType('shop.v1.Answer')
    const read = type.toObject(type.decode(Answer.encode(value)), { longs: Number, oneofs: true })
    assert.deepEqual(read, {
      ...value,
      parts: [{ length_in_mm: 4_000_000_000 }, { extra: { type_url: 'x', value: Buffer.from('any') } }],
      table: [{ key: 'key', value: Buffer.from('value') }],
      problem: { code: 5, details: [{ type_url: 'y' }] },
      outcome: 'problem',
    })
    const question = root.lookupType('shop.v1.Question')
    const claims = { sub: 'me', aud: ['a', 1.5, null, true, { deep: [] }] }
    const struct = question.toObject(question.decode(Question.encode({ claims, tone: 2 })), { enums: String }) as { claims: object; tone: string }
    assert.equal(struct.tone, 'RED')
    const text = JSON.stringify(struct.claims)
    for (const part of [
      '{"key":"sub","value":{"string_value":"me"}}',
      '{"number_value":1.5}',
      '{"null_value":"NULL_VALUE"}',
      '{"bool_value":true}',
    ]) {
      assert.ok(text.includes(part), `${part} in ${text}`)
    }
  })

  test('methods are told as what they are', async () => {
    const { methods } = (await rootFor('shop.v1.Shop')).lookupService('shop.v1.Shop')
    const kinds = Object.fromEntries(
      Object.entries(methods).map(([name, { requestStream, responseStream }]) => [name, [requestStream ?? false, responseStream ?? false]]),
    )
    assert.deepEqual(kinds, { One: [false, false], Many: [false, true], Talk: [true, true] })
  })

  test('what has no name is noticed at once', () => {
    const Nameless = message({ part: nested(1, message({ id: string(1) })) })
    const serving = (types: object): Services =>
      withReflection({ 'a.B': { C: unary(Nameless, Nameless, async () => ({})) } }, [{ name: 'a', package: 'a', types } as never])
    assert.throws(() => serving({}), /the request of a\.B\.C is of a type that has no name in any file/)
    assert.throws(() => serving({ Nameless }), /a\.Nameless\.part is of a type that has no name in any file/)
    assert.throws(() => withReflection({ 'b.B': {} }, []), /b\.B has no file/)
  })
})
