// The real effects: the system's clocks, timers, randomness, files and sockets.
import { openSync, readSync } from 'node:fs'
import { hostname } from 'node:os'
import { performance } from 'node:perf_hooks'
import type { Clock, Ports, Random, Timers } from '../base/ports.ts'
import { files } from './files.ts'
import { printer } from './printer.ts'
import { sockets } from './sockets.ts'

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

/** Of this process alone; a worker hands its lines to its supervisor instead. */
export const print = printer(1)

export const ports: Ports = { clock, timers, random, files, sockets, print, host: hostname() }
