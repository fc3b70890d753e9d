// An OpenID provider nobody here wrote, told by lines of JSON on standard input what to be. Each line answers "ready".
import { createServer } from 'node:http';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';

// Its notices are for people on standard error, and go by console.info: standard output is for the test alone.
console.info = console.warn = () => {};
const { default: Provider } = await import('oidc-provider');

const say = (line) => process.stdout.write(`${line}\n`);
const key = (alg) => {
  const pair = alg === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...pair.privateKey.export({ format: 'jwk' }), use: 'sig', alg, kid: randomUUID() };
};

let keys = [key('RS256'), key('ES256')];
let callback = (_request, response) => response.writeHead(503).end();
const server = createServer((request, response) => callback(request, response));

function build(issuer, { clients = [], people = {} }) {
  const provider = new Provider(issuer, {
    clients,
    jwks: { keys },
    cookies: { keys: ['for tests only'] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
    conformIdTokenClaims: false,
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256'] },
    features: { backchannelLogout: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    pkce: { required: () => true, methods: ['S256'] },
    findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub, ...people[sub] }) }),
  });
  callback = provider.callback();
}

server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  let known = {};
  build(issuer, known);
  createInterface({ input: process.stdin }).on('line', (line) => {
    const { rotate, ...changes } = JSON.parse(line);
    if (rotate) keys = [key('RS256'), key('ES256')];
    known = { ...known, ...changes };
    build(issuer, known);
    say('ready');
  }).on('close', () => process.exit(0));
  say(issuer);
});
