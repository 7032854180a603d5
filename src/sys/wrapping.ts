// sys/wrapping: keeping an answer for one reader, looking at what is kept, taking it, passing it on (Vault API, "/sys/wrapping").
import { formatTime } from '../base/duration.ts'
import { Fault } from '../base/fault.ts'
import { or, secret, text } from '../base/fields.ts'
import { type Ctx, type Path, path } from '../contract/module.ts'
import { data, type Reply } from '../contract/reply.ts'
import type { Token } from '../contract/token.ts'
import { describeWrapping, isWrapping, notWrapping, type Wrapping } from '../token/wrapping.ts'

const input = { token: secret(or(text("The wrapping token; the caller's own token otherwise."), '')) }

export function wrappingPaths(wrapping: Wrapping): Path[] {
  const look = (ctx: Ctx, { token }: { token: string }) => data(describeWrapping(meant(wrapping, ctx, token), formatTime))
  return [
    path('wrapping/wrap', 'Wrap any data.', {}, (op) => ({
      write: op({ doc: 'Answer what was sent, wrapped; needs the header X-Vault-Wrap-TTL.', arbitrary: true, run: wrap }),
    })),
    path('wrapping/lookup', 'Look at a wrapping token.', {}, (op) => ({
      read: op({ doc: 'When, for how long and at which path something was wrapped.', input, access: 'open', wrapping: 'looks', run: look }),
      write: op({ doc: 'When, for how long and at which path something was wrapped.', input, access: 'open', wrapping: 'looks', run: look }),
    })),
    path('wrapping/unwrap', 'Take a wrapped answer.', {}, (op) => ({
      write: op({
        doc: 'Take what was wrapped; the wrapping token ends.',
        input,
        wrapping: 'takes',
        run: async (ctx, { token }): Promise<Reply> => {
          const { response: text, raw = false } = await wrapping.take(meant(wrapping, ctx, token))
          return { kind: 'unwrapped', text, raw }
        },
      }),
    })),
    path('wrapping/rewrap', 'Wrap a wrapped answer anew.', {}, (op) => ({
      write: op({
        doc: 'Pass what was wrapped on to a new wrapping token of the same life; the old one ends.',
        input,
        wrapping: 'looks',
        run: async (ctx, { token }): Promise<Reply> => {
          const { path: at, wrapTtl } = ctx.request
          return { kind: 'wrapped', info: await wrapping.rewrap(meant(wrapping, ctx, token), at, wrapTtl) }
        },
      }),
    })),
  ]
}

function wrap(ctx: Ctx): Reply {
  if (ctx.request.wrapTtl === undefined) throw new Fault('invalid', 'endpoint requires response wrapping to be used')
  return data(ctx.data)
}

/** The caller's own token is the one that its use was counted of. */
function meant(wrapping: Wrapping, ctx: Ctx, id: string): Token {
  const { namespace } = ctx.mount
  const token = id !== '' ? wrapping.find(id, namespace) : (ctx.caller ?? wrapping.find(ctx.token?.reveal() ?? '', namespace))
  if (!token || !isWrapping(token)) throw notWrapping()
  return token
}
