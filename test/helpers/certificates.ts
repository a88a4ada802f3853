import {execFileSync} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';

/** Files of a certificate authority of a test, and of what it has signed. */
export interface Certificates {
  readonly ca: string;
  /** For localhost, with its key. */
  readonly server: {readonly cert: string; readonly key: string};
  readonly client: {readonly cert: string; readonly key: string};
}

/** Makes them with openssl, which is everywhere. */
export function makeCertificates(folder: string): Certificates {
  const file = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, {stdio: 'pipe'});
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...newKey, '-keyout', file('ca.key'), '-out', file('ca.pem'), '-days', '2', '-subj', '/CN=core-runtime test');
  const signed = (name: string, extension: string) => {
    const [cert, key] = [file(`${name}.pem`), file(`${name}.key`)];
    writeFileSync(file(`${name}.ext`), extension);
    openssl('req', ...newKey, '-keyout', key, '-out', file(`${name}.csr`), '-subj', `/CN=${name}`);
    const by = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial'];
    openssl('x509', '-req', '-in', file(`${name}.csr`), ...by, '-days', '2', '-extfile', file(`${name}.ext`), '-out', cert);
    return {cert, key};
  };
  return {
    ca: file('ca.pem'),
    server: signed('server', 'subjectAltName=DNS:localhost\n'),
    client: signed('client', 'extendedKeyUsage=clientAuth\n'),
  };
}
