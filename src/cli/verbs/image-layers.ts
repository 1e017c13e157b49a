import { layerSetting, parseLayerForm, setLayerForm } from '../../containerizer/image/layer-form.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Tell or choose what becomes of layers that are new to the store',
  example: 'berth image layers erofs',
  declare(command) {
    command.argument(
      '[form]',
      'folder: a folder of its files, or erofs: one file, mounted when it is needed',
    );
  },
  async run(context, [form]) {
    if (form !== undefined) setLayerForm(context.roots, parseLayerForm(form));
    const layers = layerSetting(context.roots);
    context.out(context.json ? `${JSON.stringify({ layers })}\n` : `${layers}\n`);
    return 0;
  },
};
