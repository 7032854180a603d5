// Checks of files: who may write the program and its configuration, who may read what is secret, how much room there is.
import { type Check, type Facts, fail, type FileFact, ok, type ProcessFact, unknown } from './facts.ts'

type Known = Required<Omit<FileFact, 'problem'>>

export const fileChecks: Readonly<Record<string, Check>> = {
  'program and configuration are not writable by the server': ({ files, process }) => {
    const mine = known(files, 'program', 'config').filter((file) => writableBy(file, process))
    if (mine.length > 0) return fail(`writable: ${names(mine)}`, 'let root own them, with modes 0644 and 0755')
    return ok('the server could not change what it will run')
  },

  'storage and audit files are private': ({ files, process }) => {
    const lax = known(files, 'storage', 'audit').filter(({ mode, folder }) => (mode & (folder ? 0o077 : 0o137)) !== 0)
    if (lax.length > 0) return fail(`open to others: ${names(lax)}`, 'chmod 0700 for folders, 0640 or 0600 for files')
    const foreign = known(files, 'storage').filter(({ uid }) => uid !== process.uid)
    if (foreign.length > 0) return fail(`owned by somebody else than the server's user: ${names(foreign)}`, 'chown them')
    return all(files, 'storage') ?? ok('only the server can read them')
  },

  'private keys are private': ({ files, process }) => {
    const lax = known(files, 'key').filter(({ mode, uid }) => (mode & 0o077) !== 0 && !((mode & 0o037) === 0 && uid === 0))
    if (lax.length > 0)
      return fail(`open to others: ${names(lax)}`, 'chmod 0600, owned by the server; or 0640 owned by root and the group of the server')
    const foreign = known(files, 'key').filter(({ uid }) => uid !== process.uid && uid !== 0)
    if (foreign.length > 0) return fail(`owned by a third user: ${names(foreign)}`, 'chown them')
    return all(files, 'key') ?? ok('only the server can read them')
  },

  'a tenth of the disks is free': ({ machine }: Facts) => {
    if (machine.disks.length === 0) return unknown('no disk is known')
    const tight = machine.disks.filter(({ total, free }) => free < total / 10)
    const shown = tight.map(({ what, path, total, free }) => `${what} (${path}): ${Math.floor((free / total) * 100)} % free`)
    return tight.length > 0 ? fail(shown.join(', '), 'a full disk stops every write, and with the audit log every request') : ok('there is room')
  },
}

function known(files: readonly FileFact[], ...kinds: FileFact['kind'][]): Known[] {
  return files.filter((file): file is Known => kinds.includes(file.kind) && file.mode !== undefined)
}

/** Says so where a file of this kind can't be looked at. */
function all(files: readonly FileFact[], kind: FileFact['kind']) {
  const missing = files.find((file) => file.kind === kind && file.problem !== undefined)
  return missing && unknown(`${missing.path}: ${missing.problem}`)
}

function names(files: readonly FileFact[]): string {
  return files.map(({ path, mode = 0 }) => `${path} (${(mode & 0o7777).toString(8).padStart(4, '0')})`).join(', ')
}

/** By its mode: root may always, which another check says. */
function writableBy({ mode, uid, gid }: Known, process: ProcessFact): boolean {
  if (uid === process.uid && uid !== 0) return true // its owner can always take the right
  if ((mode & 0o002) !== 0) return true
  return (mode & 0o020) !== 0 && process.gids.includes(gid) && gid !== 0
}
