import test from 'ava';
import {Pieces} from '../../../triggers/http/body.ts';

for (const sizes of [
  [],
  [0],
  [10],
  [5000],
  [1, 1, 1],
  [5000, 1, 1, 5000, 1],
  [1, 5000, 4095, 4096, 1],
  Array.from({length: 40_000}, () => 1),
  Array.from({length: 9}, () => 4095),
]) {
  test(`pieces of ${sizes.length > 9 ? `${sizes.length} × 1` : sizes.join(', ') || 'nothing'} bytes are joined as they came`, t => {
    const whole = Buffer.from(Array.from({length: sizes.reduce((sum, size) => sum + size, 0)}, (_, index) => index % 251));
    const pieces = new Pieces();
    let bytes = 0;
    for (const size of sizes) {
      t.is(pieces.add(whole.subarray(bytes, bytes + size)), bytes + size);
      bytes += size;
    }
    t.deepEqual(pieces.joined(), whole);
  });
}

test('small pieces do not hold the packets that they came in', t => {
  const pieces = new Pieces();
  const packets: WeakRef<ArrayBufferLike>[] = [];
  for (let count = 0; count < 100; count++) {
    const packet = Buffer.allocUnsafeSlow(2 ** 16);
    packets.push(new WeakRef(packet.buffer));
    pieces.add(packet.subarray(0, 1));
  }
  const held = new Set(packets.map(packet => packet.deref()).filter(buffer => buffer === pieces.joined().buffer));
  t.is(held.size, 0);
  t.is(pieces.joined().length, 100);
});
