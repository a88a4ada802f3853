import test from 'ava';
import {joinSettings} from '../../src/settings/config.ts';
import {reportSetting} from '../../src/settings/report.ts';
import {triggers} from '../../triggers/index.ts';

const table = Object.values(joinSettings(triggers));
const settingOf = (name: string) => table.find(entry => entry.name === name);

const places: [given: string, shown: string][] = [
  ['https://keys.example/a@b', 'https://keys.example/a@b'],
  ['https://user:pass@keys.example/a', 'https://(hidden)@keys.example/a'],
  ['https://user:pa@ss@keys.example/a@b', 'https://(hidden)@keys.example/a@b'],
  ['postgres://db/jobs?user=a&password=pass&x=1', 'postgres://db/jobs?user=a&password=(hidden)&x=1'],
  ['https:user:pass@keys.example', 'https:(hidden)@keys.example'],
  ['[{"type": "amqp", "url": "amqps://user:pass@queue.example/"}]', '[{"type": "amqp", "url": "amqps://(hidden)@queue.example/"}]'],
  [
    '[{"type": "a", "urls": ["redis://:p@a", "nats+tls://t@b"]}]',
    '[{"type": "a", "urls": ["redis://(hidden)@a", "nats+tls://(hidden)@b"]}]',
  ],
];

for (const [given, shown] of places) {
  test(`no name nor password is shown of ${given}`, t => {
    const entry = settingOf(given.startsWith('[') ? 'CORE_TRIGGERS' : 'CORE_JWKS_URL');
    t.is(entry && reportSetting(entry, {[entry.name]: given}).value, shown);
  });
}
