import t from 'tap';
import { Stage, unlessRoot } from '../container/stage.js';
import { debianImage } from '../fixtures/debian-image.js';

/** An image that nobody here made: Debian's own packages, put together by mmdebstrap and packed by umoci. */
t.test('a Debian image with python', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const { reference } = await debianImage();
  const python = (program: string, ...flags: string[]) =>
    stage.berth('run', '--rm', ...flags, reference, 'python3', '-c', program);

  await t.test('prints what python prints, and ends as it ends', (t) => {
    const ran = python('import sys; print(6 * 7); print("to the other", file=sys.stderr); sys.exit(5)');
    t.equal(ran.stdout, '42\n');
    t.match(ran.stderr, /to the other\n$/);
    t.equal(ran.status, 5);
    t.end();
  });

  await t.test('its packages are whole: a package manager that checks every file has nothing to say', (t) => {
    const ran = stage.berth(
      'run',
      '--rm',
      reference,
      'sh',
      '-c',
      'dpkg --verify && dpkg -l python3 | tail -n 1',
    );
    t.match(ran.stdout, /^ii +python3 /m);
    t.equal(ran.status, 0);
    t.end();
  });

  await t.test("users, groups and permissions are the image's", (t) => {
    const program =
      'import os, pwd; print(os.getuid(), pwd.getpwuid(os.getuid()).pw_name, os.environ["HOME"], os.access("/etc/shadow", os.R_OK))';
    t.equal(python(program, '-u', 'www-data').stdout, '33 www-data /var/www False\n');
    t.equal(python(program).stdout, '0 root /root True\n');
    t.end();
  });

  await t.test('it is seen down to its threads', (t) => {
    const program =
      'import threading, time\nfor i in range(3): threading.Thread(target=time.sleep, args=(30,), daemon=True).start()\ntime.sleep(30)';
    const id = stage.berth('run', '-d', reference, 'python3', '-c', program).stdout.trim();
    const seen = () =>
      (
        JSON.parse(stage.berth('ps', id, '--threads', '--json', '--interval', '0.05').stdout) as {
          rows: { level: string; name: string; threads: number | null }[];
        }
      ).rows;
    let rows = seen();
    for (let tries = 0; tries < 50 && rows.length < 6; tries++) rows = seen();
    t.strictSame(
      rows.map(({ level }) => level),
      ['task', 'process', 'thread', 'thread', 'thread', 'thread'],
    );
    t.match(rows[1], { name: 'python3', threads: 4 });
    t.equal(stage.berth('rm', '-f', id).status, 0);
    t.end();
  });
});
