import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { allTags } from '../../src/containerizer/image/all-tags.js';
import { listReferrers } from '../../src/containerizer/image/referrers.js';
import { digestOf, hexOf } from '../../src/oci-spec/digest.js';
import { diskFolder } from '../fixtures/disk-folder.js';

const manifest = JSON.stringify({
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
});
const digest = digestOf(Buffer.from(manifest));
const each = (name: string) => ({
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  artifactType: `application/${name}`,
  digest: digestOf(Buffer.from(name)),
  size: name.length,
});
const index = (...names: string[]) => JSON.stringify({ schemaVersion: 2, manifests: names.map(each) });

type Answer = { body: string; link?: string };

/** A registry that answers what it is given, by path, and 404 to all else. */
async function server(t: Test, answers: Record<string, Answer>): Promise<string> {
  const http = createServer((request, response) => {
    const path = request.url ?? '';
    const answer =
      path === '/v2/'
        ? { body: '{}' }
        : path === '/v2/team/web/manifests/1'
          ? { body: manifest }
          : answers[path];
    if (answer?.link !== undefined) response.setHeader('link', answer.link);
    response.writeHead(answer === undefined ? 404 : 200).end(answer?.body ?? '{}');
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  t.teardown(() => http.close());
  return `127.0.0.1:${(http.address() as AddressInfo).port}/team/web`;
}

const list = async (name: string) => {
  const { referrers, digest: of } = await listReferrers(name, { tlsVerify: false });
  t.equal(of, digest);
  return referrers.map(({ artifactType }) => artifactType);
};
const api = `/v2/team/web/referrers/${digest}`;

t.test('a list, over several pages', async (t) => {
  const name = await server(t, {
    [api]: { body: index('a', 'b'), link: `<${api}?page=2>; rel="next"` },
    [`${api}?page=2`]: { body: index('c') },
  });
  t.strictSame(await list(`${name}:1`), ['application/a', 'application/b', 'application/c']);
  t.strictSame(await list(`${name}@${digest}`), ['application/a', 'application/b', 'application/c']);
});

t.test('a registry without the list: what clients keep under a tag, or nothing', async (t) => {
  const tagged = { [`/v2/team/web/manifests/sha256-${hexOf(digest)}`]: { body: index('kept') } };
  t.strictSame(await list(`${await server(t, tagged)}:1`), ['application/kept']);
  t.strictSame(await list(`${await server(t, {})}:1`), []);
});

t.test('a list that cannot be read, that leads elsewhere or never ends', async (t) => {
  const other = 'http://127.0.0.1:1/x';
  const wrong: [Answer, RegExp][] = [
    [{ body: '[]' }, /cannot be read/],
    [{ body: index('a'), link: `<${other}>; rel=next` }, /another server/],
    [{ body: index('a'), link: `<${api}>; rel="next"` }, /more than 100 pages/],
  ];
  for (const [answer, message] of wrong)
    await t.rejects(list(`${await server(t, { [api]: answer })}:1`), { code: 'REGISTRY_FAILED', message });
  await t.rejects(listReferrers('oci:/x'), { code: 'REFERENCE_INVALID' });
});

t.test('all tags of a name', async (t) => {
  const images = Object.fromEntries(
    ['a/web:1', 'a/web:2', 'a/web/sub:1', 'b/web:1'].map((name) => [
      name,
      { manifest_digest: digest, loaded_at: '' },
    ]),
  );
  const folder = diskFolder(t, {
    'images/index.json': JSON.stringify({ format: 1, images, manifests: [digest] }),
  });
  const roots = { root: folder, state: folder };
  t.strictSame(allTags(roots, 'a/web', 'reg.example/x'), [
    { image: 'a/web:1', to: 'reg.example/x:1' },
    { image: 'a/web:2', to: 'reg.example/x:2' },
  ]);
  t.throws(() => allTags(roots, 'none'), { code: 'IMAGE_NOT_FOUND' });
  t.throws(() => allTags(roots, 'a/web:1'), { code: 'REFERENCE_INVALID' });
});
