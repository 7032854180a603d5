// TLS for a listener: TLS 1.3, and of 1.2 only suites with forward secrecy and authenticated encryption.
import { constants } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { TlsOptions, TLSSocket } from 'node:tls'

export interface TlsFiles {
  /** PEM: the server's certificate, then its intermediates. */
  readonly certFile: string
  readonly keyFile: string
  /** PEM: whom to trust for client certificates; without it none is asked for. */
  readonly clientCaFile?: string
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3'
}

const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

/** Reads the files as they are now. Throws where one can't be read. */
export function readTls(files: TlsFiles): TlsOptions {
  const client = files.clientCaFile === undefined ? {} : { ca: readFileSync(files.clientCaFile), requestCert: true, rejectUnauthorized: false }
  return {
    cert: readFileSync(files.certFile),
    key: readFileSync(files.keyFile),
    ciphers: CIPHERS,
    honorCipherOrder: true,
    minVersion: files.minVersion ?? 'TLSv1.2',
    // A resumed session would skip the check of the client's certificate.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | (files.clientCaFile === undefined ? 0 : constants.SSL_OP_NO_TICKET),
    ...client,
  }
}

/** A client needs no certificate, but one that it shows must be valid. */
export function isTrusted(socket: TLSSocket): boolean {
  return socket.authorized || socket.getPeerX509Certificate() === undefined
}
