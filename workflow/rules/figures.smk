def figures():
    e = config["effective_lr"]
    return expand(f"{RESULTS}/training/effective_lr/{{task}}/{{cell}}-{e['optimizer']}.nc", task=e["tasks"], cell=e["cells"])
