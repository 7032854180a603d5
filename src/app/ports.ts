// The real effects: the system's clocks, timers, randomness and files.
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import type { AppendFile, Clock, Files, Ports, Random, Timers } from '../base/ports.ts'

export const clock: Clock = { now: () => Date.now(), monotonic: () => performance.now() }

export const timers: Timers = {
  after(delay, run) {
    const timer = setTimeout(run, delay).unref()
    return () => clearTimeout(timer)
  },
  every(interval, run) {
    const timer = setInterval(run, interval).unref()
    return () => clearInterval(timer)
  },
  turn: () => new Promise((resolve) => setImmediate(resolve)),
}

const entropy = openSync('/dev/urandom', 'r')

/** Straight from the kernel: node:crypto's own generator would repeat itself on a machine that was cloned while running. */
export const random: Random = {
  bytes(size) {
    const bytes = Buffer.allocUnsafeSlow(size)
    for (let at = 0; at < size; ) at += readSync(entropy, bytes, at, size - at, null)
    return bytes
  },
}

export const files: Files = {
  openAppend(path) {
    if (path === 'stdout') return appendTo(1, () => {})
    const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants
    const fd = openSync(path, O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_WRONLY, 0o600)
    if (!fstatSync(fd).isFile()) {
      closeSync(fd)
      throw new Error(`${path} is not a regular file`)
    }
    return appendTo(fd, () => closeSync(fd))
  },
}

function appendTo(fd: number, close: () => void): AppendFile {
  return {
    append(bytes) {
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
    },
    close,
  }
}

export const ports: Ports = { clock, timers, random, files }
