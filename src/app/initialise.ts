// sys/init where the keys are made: what was asked for against the kind of seal, and the answer with shares and root token.
import { Fault } from '../base/fault.ts'
import type { InitSpec } from '../seal/initialise.ts'
import { checkPgpKeys, encryptShares } from '../seal/pgp.ts'
import type { Sealer } from '../seal/sealer.ts'
import { printShares } from '../seal/share-codec.ts'
import type { Store } from '../store/store.ts'
import type { InitRequest } from '../sys/state.ts'
import { bootstrap } from './bootstrap.ts'
import { openPgp as pgp } from './openpgp.ts'
import type { SealParts } from './seal-parts.ts'

/** The JSON answer, which the caller wipes. Throws `invalid`, and `unavailable` where no seal can be reached. */
export async function openInit({ sealer, ports }: SealParts, request: InitRequest): Promise<Buffer> {
  const { keys, ...spec } = settle(request, sealer)
  const { rootTokenPgpKey } = request
  await checkPgpKeys(pgp, keys, spec.shares, MISMATCH)
  if (rootTokenPgpKey !== '') await pgp.fingerprint(rootTokenPgpKey)
  let rootToken = ''
  const prepare = async (inside: Store) => {
    rootToken = await bootstrap(inside, ports)
  }
  const plain = await sealer.init({ ...spec, prepare })
  try {
    const shares = keys.length > 0 ? await encryptShares(pgp, keys, plain) : plain
    const token = rootTokenPgpKey === '' ? rootToken : (await pgp.encrypt(rootTokenPgpKey, Buffer.from(rootToken))).toString('base64')
    const lists = !sealer.auto ? { keys: shares } : shares.length > 0 ? { keys: [], recovery_keys: shares } : { keys: [] }
    return printShares(lists, { root_token: token })
  } finally {
    for (const share of plain) share.fill(0)
  }
}

const MISMATCH = 'invalid seal configuration: count mismatch between number of provided PGP keys and number of shares'

/** The shares that the seal has use for, and for whom. Throws `invalid` for parameters of another kind of seal. */
function settle(request: InitRequest, sealer: Sealer): Omit<InitSpec, 'prepare'> & { readonly keys: readonly string[] } {
  const { secretShares, secretThreshold, storedShares, recoveryShares, recoveryThreshold, recoveryUnseal, pgpKeys, recoveryPgpKeys } = request
  const other = (names: string) => new Fault('invalid', `parameters ${names} not applicable to seal type ${sealer.status().type}`)
  if (sealer.auto) {
    if (secretShares !== 0 || secretThreshold !== 0) throw other('secret_shares,secret_threshold')
    if (pgpKeys.length > 0) throw other('pgp_keys')
    return { shares: recoveryShares, threshold: recoveryThreshold, recoveryOpens: recoveryUnseal, keys: recoveryPgpKeys }
  }
  if (storedShares !== 0 || recoveryShares !== 0 || recoveryThreshold !== 0) throw other('recovery_shares,recovery_threshold')
  if (recoveryUnseal) throw other('recovery_unseal')
  if (recoveryPgpKeys.length > 0) throw other('recovery_pgp_keys')
  return { shares: secretShares, threshold: secretThreshold, keys: pgpKeys }
}
