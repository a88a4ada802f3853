import {pythonVersion} from '../helpers/python-version.ts';

for (const version of ['3.10', '3.11', '3.12', '3.13']) pythonVersion(version);
