import { layerSetting, parseLayerSetting, setLayerForm } from '../../containerizer/image/layer-form.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Tell or choose what becomes of layers that are new to the store',
  example: 'berth image layers erofs',
  declare(command) {
    command.argument(
      '[form]',
      'folder: a folder of its files, erofs: one file, mounted when it is needed, or auto: one file of a large layer where this host can mount it',
    );
  },
  async run(context, [form]) {
    if (form !== undefined) await setLayerForm(context.roots, parseLayerSetting(form));
    const layers = layerSetting(context.roots);
    context.out(context.json ? `${JSON.stringify({ layers })}\n` : `${layers}\n`);
    return 0;
  },
};
