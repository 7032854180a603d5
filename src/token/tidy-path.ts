// auth/token/tidy: starts to look for what is left of dead tokens.
import { type Path, path } from '../contract/module.ts'
import { data, empty } from '../contract/reply.ts'
import type { TokenModuleDeps } from './module.ts'

const STARTED = "Tidy operation successfully started. Any information from the operation will be printed to Signet's server logs."

export function tidyPath({ tidy }: TokenModuleDeps): Path {
  return path('tidy', 'Find and repair what does not fit together in the token store.', {}, (op) => ({
    write: op({
      doc: 'Remove what dead tokens left and complete what live ones lack, in the background.',
      run: (ctx) => (tidy(ctx.mount.namespace) ? data(null, { status: 202, warnings: [STARTED] }) : empty('Tidy operation already in progress.')),
    }),
  }))
}
