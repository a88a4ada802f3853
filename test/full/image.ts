import test from 'ava';
import {buildImage, canBuild, runImage} from '../helpers/image.ts';
import {ask} from '../helpers/request.ts';

const withImage = canBuild ? test.serial : test.serial.skip;
const missing = canBuild ? '' : ': needs root, buildah, and a base image in CORE_TEST_BASE_IMAGE';
const env = {SCW_PUBLIC: 'true', SCW_HANDLER_PATH: '/home/app/function/mirror'};

withImage(
  `the image serves under an init, without root and on a root that it cannot write, and ends with what is in flight${missing}`,
  async t => {
    t.timeout(20 * 60_000);
    const image = await buildImage(t);
    const container = await runImage(image, env, t);

    t.is((await ask(container.url)).status, 200);
    t.regex((await ask(`${container.adminUrl}/metrics`)).text(), /^core_runtime_up 1$/m);
    t.is((await ask(`${container.adminUrl}/readyz`)).status, 200);
    const init = await container.init();
    t.regex(init, /^Name:\ttini$/m);
    t.regex(init, /^NSpid:\t\d+\t1$/m);
    t.regex(init, /^Uid:\t10001\t/m);
    t.regex(init, /^NoNewPrivs:\t1$/m);
    t.deepEqual(
      container.logs.filter(({level}) => level !== 'info'),
      [],
    );

    const slow = ask(`${container.url}/?do=slow&ms=1000`);
    while (!/^http_requests_in_flight 1$/m.test((await ask(`${container.adminUrl}/metrics`)).text()));
    container.terminate();
    t.is((await slow).text(), 'slow');
    t.is(await container.exited, 0);
    t.like(container.logs.at(-1), {msg: 'Stopped', lost: 0});
  },
);
