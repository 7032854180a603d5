// Audit files on a real disk: what is opened, with which rights, and what never is.
import assert from 'node:assert/strict'
import { chmodSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { files, nodeFolder } from './files.ts'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'signet-files-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const modeOf = (path: string) => statSync(path).mode & 0o7777

test('a file is appended to, read back, and has the mode that was asked for', async (t) => {
  const path = join(folder(t), 'a.log')
  const file = files.openAppend(path)
  file.append(Buffer.from('one\n'))
  file.append(Buffer.from('two\n'))
  await file.sync()
  assert.equal(file.read(4, 100).toString(), 'two\n')
  assert.deepEqual([file.state().size, file.state().links, file.state().id], [8, 1, files.idOf(path)])
  file.close()
  assert.equal(modeOf(path), 0o600)
  files.openAppend(path, { mode: 0o640 }).close()
  assert.equal(modeOf(path), 0o640)
  files.openAppend(path, { mode: 0 }).close()
  assert.equal(modeOf(path), 0o640, 'mode 0 leaves it')
  assert.equal(readFileSync(path, 'utf8'), 'one\ntwo\n')
})

test('links, programs, folders and devices are not opened, and nothing is changed about them', (t) => {
  const at = folder(t)
  const [target, program, linked] = ['target', 'program', 'linked'].map((name) => join(at, name)) as [string, string, string]
  for (const path of [target, program, linked]) writeFileSync(path, 'x')
  symlinkSync(target, join(at, 'symbolic'))
  symlinkSync(join(at, 'nothing'), join(at, 'dangling'))
  chmodSync(program, 0o755)
  linkSync(linked, join(at, 'other-name'))
  const refused: readonly [string, RegExp][] = [
    [join(at, 'symbolic'), /ELOOP/],
    [join(at, 'dangling'), /ELOOP/],
    [program, /can be executed$/],
    [linked, /has other names$/],
    [at, /EISDIR/],
    ['/dev/zero', /is not a regular file$/],
    [join(at, 'none', 'a.log'), /ENOENT/],
  ]
  for (const [path, message] of refused) assert.throws(() => files.openAppend(path), message, path)
  assert.deepEqual([modeOf(program), readFileSync(target, 'utf8'), files.idOf(join(at, 'nothing'))], [0o755, 'x', undefined])
})

test('where folders are named, files lie in or below one of them, wherever links lead', (t) => {
  const at = folder(t)
  const [allowed, other] = [join(at, 'allowed'), join(at, 'other')]
  mkdirSync(join(allowed, 'below'), { recursive: true })
  mkdirSync(other)
  symlinkSync(other, join(allowed, 'out'))
  const within = [allowed]
  files.openAppend(join(allowed, 'a.log'), { within }).close()
  files.openAppend(join(allowed, 'below', 'a.log'), { within }).close()
  for (const path of [join(other, 'a.log'), join(allowed, 'out', 'a.log'), `${allowed}-too/a.log`, join(allowed, '..', 'a.log')]) {
    assert.throws(() => files.openAppend(path, { within }), /lies in no folder that is allowed$|ENOENT/, path)
  }
})

test('a sync that is under way keeps the file open until it ends', async (t) => {
  const file = files.openAppend(join(folder(t), 'a.log'))
  file.append(Buffer.from('x'))
  const synced = file.sync()
  file.close()
  await synced
  assert.throws(() => file.state(), /EBADF/)
})

test('a folder of its own: small files, locks that one holder has', (t) => {
  const at = folder(t)
  const one = nodeFolder(join(at, 'spools'))
  const other = nodeFolder(join(at, 'spools'))
  assert.deepEqual([one.list(), one.readText('none')], [[], ''])
  one.make('a/b')
  assert.equal(modeOf(join(at, 'spools')), 0o700)
  one.writeText('a/b/taken', '17')
  one.writeText('a/b/taken', '18')
  assert.deepEqual([other.readText('a/b/taken'), other.list('a/b')], ['18', ['taken']])
  const release = one.lock('a/b/lock')
  assert.equal(other.lock('a/b/lock'), undefined)
  release?.()
  other.lock('a/b/lock')?.()
  one.remove('a')
  one.remove('a')
  assert.deepEqual(one.list(), [])
})
